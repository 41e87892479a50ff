resource "azurerm_log_analytics_workspace" "this" {
  name                = "${var.name}-logs"
  resource_group_name = data.azurerm_resource_group.this.name
  location            = var.location
  sku                 = "PerGB2018"
  retention_in_days   = var.log_retention_days
}

resource "azurerm_application_insights" "this" {
  name                          = "${var.name}-insights"
  resource_group_name           = data.azurerm_resource_group.this.name
  location                      = var.location
  workspace_id                  = azurerm_log_analytics_workspace.this.id
  application_type              = "Node.JS"
  local_authentication_disabled = true
}

# Who read, wrote and disabled what in the vault.
resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                       = "${var.name}-audit"
  target_resource_id         = data.azurerm_key_vault.this.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category = "AuditEvent"
  }
}

resource "azurerm_monitor_diagnostic_setting" "app" {
  name                       = "${var.name}-functions"
  target_resource_id         = azurerm_function_app_flex_consumption.this.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category = "FunctionAppLogs"
  }
}

# Reads and writes of the journal.
resource "azurerm_monitor_diagnostic_setting" "state" {
  name                       = "${var.name}-journal"
  target_resource_id         = "${azurerm_storage_account.state.id}/tableServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category = "StorageWrite"
  }

  enabled_log {
    category = "StorageDelete"
  }
}
