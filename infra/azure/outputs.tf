output "app_name" {
  description = "For `az functionapp deployment source config-zip --name`."
  value       = azurerm_function_app_flex_consumption.this.name
}

output "manual_url" {
  description = "Where rotations are asked for by HTTP, with a token that keywheel.yaml accepts."
  value       = "https://${azurerm_function_app_flex_consumption.this.default_hostname}/api/manual"
}

output "ack_url" {
  description = "The Request URL of the Slack app's interactivity. The function checks Slack's signature itself."
  value       = "https://${azurerm_function_app_flex_consumption.this.default_hostname}/api/ack"
}

output "score_dead_letter_container" {
  description = "What could not be scored. Should be empty; put an alert on it."
  value       = azapi_resource.score_dead_letter.id
}

output "identity_client_id" {
  description = "The identity of the functions, for what its targets ask (a database, a network)."
  value       = azurerm_user_assigned_identity.this.client_id
}

output "table_url" {
  description = "For state.url in keywheel.yaml."
  value       = trimsuffix(azurerm_storage_account.state.primary_table_endpoint, "/")
}

output "dead_letter_container" {
  description = "Should be empty; put an alert on it."
  value       = azapi_resource.dead_letter.id
}
