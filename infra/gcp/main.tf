locals {
  # One function for each trigger, each with an identity of its own.
  functions = {
    rotate = {
      description = "Answers Secret Manager's rotation notifications"
      ingress     = "ALLOW_INTERNAL_ONLY"
    }
    advance = {
      description = "Goes on with rotations, and starts those that are due"
      ingress     = "ALLOW_INTERNAL_ONLY"
    }
    manual = {
      description = "Rotation on request"
      ingress     = "ALLOW_ALL"
    }
    score = {
      description = "Scores audit events of secret stores"
      ingress     = "ALLOW_INTERNAL_ONLY"
    }
    score-tick = {
      description = "Sends alerts again that a channel did not take"
      ingress     = "ALLOW_INTERNAL_ONLY"
    }
    ack = {
      description = "Records who acknowledged an incident"
      ingress     = "ALLOW_ALL"
    }
  }

  # Those that rotate, and may touch the secrets; those that score read what their channels log in with.
  rotating = toset(["rotate", "advance", "manual"])
  scoring  = toset(["score", "score-tick", "ack"])

  # Called by Pub/Sub, from inside; `manual` is called by people, `ack` by Slack.
  subscribed = toset(["rotate", "advance", "score", "score-tick"])

  # The names in the code, where they cannot be names of Google Cloud.
  entry_points = { score-tick = "scoreTick" }

  services = toset([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  # Less than the ten minutes that Pub/Sub waits for an answer at most.
  timeout_seconds = 300

  agents = {
    pubsub    = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    scheduler = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-cloudscheduler.iam.gserviceaccount.com"
  }
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "this" {
  for_each = local.services

  service            = each.value
  disable_on_destroy = false
}

# The package: the object's name holds its hash, so that another package is another deployment and the same one is none.
resource "google_storage_bucket" "packages" {
  name                        = "${var.project}-${var.name}-packages"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 5
    }
  }

  versioning {
    enabled = true
  }
}

resource "google_storage_bucket_object" "package" {
  name   = "keywheel-${filesha256(var.package_file)}.zip"
  bucket = google_storage_bucket.packages.name
  source = var.package_file
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  name        = "${var.name}-${each.key}"
  location    = var.region
  description = each.value.description

  build_config {
    runtime         = var.runtime
    entry_point     = lookup(local.entry_points, each.key, each.key)
    service_account = google_service_account.build.id

    source {
      storage_source {
        bucket = google_storage_bucket.packages.name
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    ingress_settings                 = each.value.ingress
    available_memory                 = "512Mi"
    available_cpu                    = "1"
    timeout_seconds                  = local.timeout_seconds
    max_instance_count               = 3
    max_instance_request_concurrency = 1
    vpc_connector                    = var.vpc_connector
    vpc_connector_egress_settings    = var.vpc_connector == null ? null : "PRIVATE_RANGES_ONLY"

    environment_variables = merge(var.environment, {
      KEYWHEEL_CONFIG      = "/workspace/keywheel.yaml"
      FUNCTION_TIMEOUT_SEC = tostring(local.timeout_seconds)
    })
  }

  depends_on = [google_project_service.this, google_project_iam_member.build]
}
