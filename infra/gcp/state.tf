# Journal, leases and history. Protected: without it, nobody knows which credential is still to be ended.
resource "google_firestore_database" "state" {
  name                              = var.database
  location_id                       = var.database_location
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"

  depends_on = [google_project_service.this]
}

# Old history is removed by its ttl. A time that only grows, indexed, would be a hot spot.
resource "google_firestore_field" "ttl" {
  database   = google_firestore_database.state.name
  collection = var.collection
  field      = "ttl"

  ttl_config {}
  index_config {}
}

# A record's JSON: an indexed string may have 1,500 bytes, and nobody asks by it.
resource "google_firestore_field" "value" {
  database   = google_firestore_database.state.name
  collection = var.collection
  field      = "value"

  index_config {}
}

# Where a new version waits until it is published: consumers have no access to these.
resource "google_secret_manager_secret" "pending" {
  for_each = var.secrets

  secret_id = "${each.value}${var.pending_suffix}"

  replication {
    dynamic "auto" {
      for_each = length(var.replica_locations) == 0 ? [true] : []
      content {}
    }

    dynamic "user_managed" {
      for_each = length(var.replica_locations) == 0 ? [] : [true]

      content {
        dynamic "replicas" {
          for_each = var.replica_locations

          content {
            location = replicas.value
          }
        }
      }
    }
  }

  # Written by the functions.
  lifecycle {
    ignore_changes = [annotations, labels, version_aliases]
  }

  depends_on = [google_project_service.this]
}
