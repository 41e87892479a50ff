data "azurerm_resource_group" "this" {
  name = var.resource_group_name
}

data "azurerm_key_vault" "this" {
  name                = var.vault_name
  resource_group_name = coalesce(var.vault_resource_group_name, var.resource_group_name)
}

# One identity for the app: the functions of an app share it, as Azure has it.
resource "azurerm_user_assigned_identity" "this" {
  name                = "${var.name}-identity"
  resource_group_name = data.azurerm_resource_group.this.name
  location            = var.location
}

resource "azurerm_service_plan" "this" {
  name                = "${var.name}-plan"
  resource_group_name = data.azurerm_resource_group.this.name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
}

resource "azurerm_function_app_flex_consumption" "this" {
  name                = var.name
  resource_group_name = data.azurerm_resource_group.this.name
  location            = var.location
  service_plan_id     = azurerm_service_plan.this.id

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.host.primary_blob_endpoint}${azapi_resource.packages.name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = azurerm_user_assigned_identity.this.id

  runtime_name           = "node"
  runtime_version        = var.runtime_version
  instance_memory_in_mb  = 2048
  maximum_instance_count = 40

  https_only                                     = true
  webdeploy_publish_basic_authentication_enabled = false
  virtual_network_subnet_id                      = var.subnet_id

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.this.connection_string
    minimum_tls_version                    = "1.2"
  }

  app_settings = local.app_settings

  lifecycle {
    # The provider adds an AzureWebJobsStorage of its own, which is taken away below.
    ignore_changes = [app_settings["AzureWebJobsStorage"]]
  }

  depends_on = [azurerm_role_assignment.host]
}

locals {
  app_settings = merge(var.app_settings, {
    KEYWHEEL_CONFIG          = "/home/site/wwwroot/keywheel.yaml"
    KEYWHEEL_TIMEOUT_SECONDS = "600"
    # Which identity the SDK's default chain takes.
    AZURE_CLIENT_ID                  = azurerm_user_assigned_identity.this.client_id
    AzureWebJobsStorage__accountName = azurerm_storage_account.host.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = azurerm_user_assigned_identity.this.client_id
    # The binding of Event Hubs, by the same identity.
    KEYWHEEL_EVENTHUB__fullyQualifiedNamespace = "${azurerm_eventhub_namespace.audit.name}.servicebus.windows.net"
    KEYWHEEL_EVENTHUB__credential              = "managedidentity"
    KEYWHEEL_EVENTHUB__clientId                = azurerm_user_assigned_identity.this.client_id
    KEYWHEEL_EVENTHUB_NAME                     = azurerm_eventhub.audit.name
    KEYWHEEL_EVENTHUB_CONSUMER                 = azurerm_eventhub_consumer_group.score.name
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING  = "ClientId=${azurerm_user_assigned_identity.this.client_id};Authorization=AAD"
  })
}

# An AzureWebJobsStorage beside AzureWebJobsStorage__accountName breaks the host, and azurerm writes one whatever the authentication is:
# https://github.com/hashicorp/terraform-provider-azurerm/issues/29693
resource "azapi_update_resource" "app_settings" {
  type      = "Microsoft.Web/sites/config@2023-12-01"
  name      = "appsettings"
  parent_id = azurerm_function_app_flex_consumption.this.id

  body = {
    properties = merge(local.app_settings, {
      APPLICATIONINSIGHTS_CONNECTION_STRING = azurerm_application_insights.this.connection_string
    })
  }

  # Whenever the app was changed, the provider has written it again.
  lifecycle {
    replace_triggered_by = [azurerm_function_app_flex_consumption.this]
  }
}
