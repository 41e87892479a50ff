# Key Vault -> Event Grid -> function "rotate". The timer of "advance" is in the function itself.

resource "azurerm_eventgrid_system_topic" "vault" {
  name                   = "${var.name}-vault"
  resource_group_name    = data.azurerm_key_vault.this.resource_group_name
  location               = data.azurerm_key_vault.this.location
  source_arm_resource_id = data.azurerm_key_vault.this.id
  topic_type             = "Microsoft.KeyVault.vaults"

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_eventgrid_system_topic_event_subscription" "rotate" {
  count = var.functions_deployed ? 1 : 0

  name                = "${var.name}-rotate"
  resource_group_name = azurerm_eventgrid_system_topic.vault.resource_group_name
  system_topic        = azurerm_eventgrid_system_topic.vault.name

  included_event_types = ["Microsoft.KeyVault.SecretNearExpiry", "Microsoft.KeyVault.SecretExpired"]

  azure_function_endpoint {
    function_id          = "${azurerm_function_app_flex_consumption.this.id}/functions/rotate"
    max_events_per_batch = 1
  }

  # A subscription takes 25 values; with more secrets the function itself ignores what is not in keywheel.yaml.
  dynamic "advanced_filter" {
    for_each = length(var.secrets) <= 25 ? [var.secrets] : []

    content {
      string_in {
        key    = "subject"
        values = advanced_filter.value
      }
    }
  }

  # Event Grid's own longest: a day.
  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.host.id
    storage_blob_container_name = azapi_resource.dead_letter.name
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  depends_on = [azurerm_role_assignment.dead_letter]
}
