# Two accounts: the host's own bookkeeping needs more rights than the functions should have on the journal.

resource "azurerm_storage_account" "state" {
  name                            = "${var.name}state"
  resource_group_name             = data.azurerm_resource_group.this.name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false

  # Journal, leases and history: without it, nobody knows which credential is still to be ended.
  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_account" "host" {
  name                            = "${var.name}host"
  resource_group_name             = data.azurerm_resource_group.this.name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
}

resource "azapi_resource" "table" {
  type      = "Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01"
  name      = var.table
  parent_id = "${azurerm_storage_account.state.id}/tableServices/default"
  body      = { properties = {} }
}

resource "azapi_resource" "packages" {
  type      = "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01"
  name      = "packages"
  parent_id = "${azurerm_storage_account.host.id}/blobServices/default"
  body      = { properties = { publicAccess = "None" } }
}

# Events that could not be delivered, for a person to look at.
resource "azapi_resource" "dead_letter" {
  type      = "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01"
  name      = "dead-letter"
  parent_id = "${azurerm_storage_account.host.id}/blobServices/default"
  body      = { properties = { publicAccess = "None" } }
}
