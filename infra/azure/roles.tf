locals {
  # Azure lets a custom role be made for a resource group, not for a vault; it is assigned for single secrets below.
  vault_group_id = "/subscriptions/${var.subscription_id}/resourceGroups/${data.azurerm_key_vault.this.resource_group_name}"
}

# "Key Vault Secrets Officer" also deletes, purges, backs up and restores; this does not.
# https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
resource "azurerm_role_definition" "rotator" {
  name        = "${var.name} rotator"
  scope       = local.vault_group_id
  description = "Reads, stages and publishes versions of a secret, and disables old ones."

  permissions {
    actions = []
    data_actions = [
      "Microsoft.KeyVault/vaults/secrets/getSecret/action",
      "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
      "Microsoft.KeyVault/vaults/secrets/setSecret/action",
      "Microsoft.KeyVault/vaults/secrets/update/action",
    ]
  }

  assignable_scopes = [local.vault_group_id]
}

# Each rotated secret and its companion, and nothing else in the vault.
resource "azurerm_role_assignment" "rotated" {
  for_each = setunion(var.secrets, [for name in var.secrets : "${name}${var.pending_suffix}"])

  scope              = "${data.azurerm_key_vault.this.id}/secrets/${each.value}"
  role_definition_id = azurerm_role_definition.rotator.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.this.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "admin" {
  for_each = var.admin_secrets

  scope                = "${data.azurerm_key_vault.this.id}/secrets/${each.value}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

# Of the one table.
resource "azurerm_role_assignment" "journal" {
  scope                = azapi_resource.table.id
  role_definition_name = "Storage Table Data Contributor"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

# What the host needs for its keys, its timers' locks and the package.
# https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
resource "azurerm_role_assignment" "host" {
  scope                = azurerm_storage_account.host.id
  role_definition_name = "Storage Blob Data Owner"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "telemetry" {
  scope                = azurerm_application_insights.this.id
  role_definition_name = "Monitoring Metrics Publisher"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

# Event Grid sets events aside as the topic's own identity.
resource "azurerm_role_assignment" "dead_letter" {
  scope                = azapi_resource.dead_letter.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_eventgrid_system_topic.vault.identity[0].principal_id
  principal_type       = "ServicePrincipal"
}
