# Key Vault's diagnostics -> Event Hubs -> function "score". The timer of "scoreTick" and the HTTP trigger of "ack" are in the functions themselves.

resource "azurerm_eventhub_namespace" "audit" {
  name                = "${var.name}-audit"
  resource_group_name = data.azurerm_resource_group.this.name
  location            = var.location
  sku                 = "Standard"
  capacity            = 1
  minimum_tls_version = "1.2"
}

resource "azurerm_eventhub" "audit" {
  name              = "audit"
  namespace_id      = azurerm_eventhub_namespace.audit.id
  partition_count   = 2
  message_retention = 7
}

resource "azurerm_eventhub_consumer_group" "score" {
  name                = "score"
  namespace_name      = azurerm_eventhub_namespace.audit.name
  eventhub_name       = azurerm_eventhub.audit.name
  resource_group_name = data.azurerm_resource_group.this.name
}

# Diagnostic settings write by a rule of the namespace, and know no identity. Azure Monitor keeps its key; nothing else is given it.
# https://learn.microsoft.com/azure/azure-monitor/essentials/diagnostic-settings
resource "azurerm_eventhub_namespace_authorization_rule" "diagnostics" {
  name                = "diagnostics"
  namespace_name      = azurerm_eventhub_namespace.audit.name
  resource_group_name = data.azurerm_resource_group.this.name
  listen              = true
  send                = true
  manage              = true
}

resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                           = "${var.name}-audit"
  target_resource_id             = data.azurerm_key_vault.this.id
  eventhub_authorization_rule_id = azurerm_eventhub_namespace_authorization_rule.diagnostics.id
  eventhub_name                  = azurerm_eventhub.audit.name

  enabled_log {
    category = "AuditEvent"
  }
}

resource "azurerm_role_assignment" "audit" {
  scope                = azurerm_eventhub.audit.id
  role_definition_name = "Azure Event Hubs Data Receiver"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

# What could not be scored, for a person to look at.
resource "azapi_resource" "score_dead_letter" {
  type      = "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01"
  name      = "score-dead-letter"
  parent_id = "${azurerm_storage_account.host.id}/blobServices/default"
  body      = { properties = { publicAccess = "None" } }
}

# What channels log in with.
resource "azurerm_role_assignment" "channel" {
  for_each = var.channel_secrets

  scope                = "${data.azurerm_key_vault.this.id}/secrets/${each.value}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "alert" {
  for_each = var.alert_topic_ids

  scope                = each.value
  role_definition_name = "EventGrid Data Sender"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}
