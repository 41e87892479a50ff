output "rotate_topic" {
  description = "For `gcloud secrets update NAME --add-topics=TOPIC`."
  value       = google_pubsub_topic.this["rotate"].id
}

output "manual_url" {
  description = "Where rotations are asked for by HTTP."
  value       = google_cloudfunctions2_function.this["manual"].service_config[0].uri
}

output "ack_url" {
  description = "The Request URL of the Slack app's interactivity. Slack has no Google identity: let allUsers invoke this one function; it checks Slack's signature itself."
  value       = google_cloudfunctions2_function.this["ack"].service_config[0].uri
}

output "service_accounts" {
  description = "The identity of each function, for what its targets ask (a database, a VPN)."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "dead_letter_subscription" {
  description = "Should be empty; put an alert on it."
  value       = google_pubsub_subscription.dead_letter.id
}

output "database" {
  description = "For state.database in keywheel.yaml."
  value       = google_firestore_database.state.name
}
