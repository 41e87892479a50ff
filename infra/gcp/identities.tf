# Who runs what, and what each may do. Custom roles, since the predefined ones that fit also hold rights that are not needed here:
# roles/secretmanager.secretVersionManager cannot read, roles/secretmanager.admin deletes secrets, roles/datastore.user is for every database.

resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "${var.name}-${each.key}"
  display_name = "Keywheel: ${each.key}"
  description  = each.value.description
}

resource "google_project_iam_custom_role" "rotator" {
  role_id     = "${replace(var.name, "-", "_")}_rotator"
  title       = "Keywheel rotator"
  description = "Reads, stages and publishes versions of one secret. Neither creates nor deletes secrets, nor grants access to them."
  permissions = [
    "secretmanager.secrets.get",
    "secretmanager.secrets.update",
    "secretmanager.versions.access",
    "secretmanager.versions.add",
    "secretmanager.versions.destroy",
    "secretmanager.versions.get",
    "secretmanager.versions.list",
  ]
}

resource "google_project_iam_custom_role" "journal" {
  role_id     = "${replace(var.name, "-", "_")}_journal"
  title       = "Keywheel journal"
  description = "Reads and writes documents. Changes no database, index or backup."
  permissions = [
    "datastore.databases.get",
    "datastore.entities.allocateIds",
    "datastore.entities.create",
    "datastore.entities.delete",
    "datastore.entities.get",
    "datastore.entities.list",
    "datastore.entities.update",
  ]
}

locals {
  # Each rotated secret and its companion, for each function.
  rotated = {
    for pair in setproduct(local.rotating, setunion(var.secrets, [for id in var.secrets : "${id}${var.pending_suffix}"])) :
    "${pair[0]} ${pair[1]}" => { function = pair[0], secret = pair[1] }
  }
  admins = {
    for pair in setproduct(local.rotating, var.admin_secrets) :
    "${pair[0]} ${pair[1]}" => { function = pair[0], secret = pair[1] }
  }
}

resource "google_secret_manager_secret_iam_member" "rotated" {
  for_each = local.rotated

  secret_id = each.value.secret
  role      = google_project_iam_custom_role.rotator.id
  member    = google_service_account.function[each.value.function].member

  depends_on = [google_secret_manager_secret.pending]
}

resource "google_secret_manager_secret_iam_member" "admin" {
  for_each = local.admins

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}

# Of the one database: https://cloud.google.com/firestore/docs/manage-databases#configure_per-database_access_permissions
resource "google_project_iam_member" "journal" {
  for_each = local.functions

  project = var.project
  role    = google_project_iam_custom_role.journal.id
  member  = google_service_account.function[each.key].member

  condition {
    title      = "keywheel database only"
    expression = "resource.name == \"${google_firestore_database.state.id}\""
  }
}

# Builds the functions' containers. Without one of our own, Cloud Build takes the Compute Engine default account, which may edit the project.
resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "Keywheel: builds the functions"
}

# https://cloud.google.com/functions/docs/building#custom_service_account
resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])

  project = var.project
  role    = each.value
  member  = google_service_account.build.member
}

# In whose name Pub/Sub calls the functions.
resource "google_service_account" "delivery" {
  account_id   = "${var.name}-delivery"
  display_name = "Keywheel: Pub/Sub calls the functions as this account"
}

resource "google_cloud_run_service_iam_member" "delivery" {
  for_each = local.subscribed

  location = var.region
  service  = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.delivery.member
}

resource "google_cloud_run_service_iam_member" "caller" {
  for_each = var.callers

  location = var.region
  service  = google_cloudfunctions2_function.this["manual"].name
  role     = "roles/run.invoker"
  member   = each.value
}
