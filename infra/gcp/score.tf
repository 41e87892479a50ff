# Cloud Audit Logs -> sink -> topic "score" -> function "score"; Cloud Scheduler -> topic "score-tick" -> function "score-tick".

resource "google_logging_project_sink" "audit" {
  name        = "${var.name}-audit"
  description = "Audit records of secrets, keys and identities"
  destination = "pubsub.googleapis.com/${google_pubsub_topic.this["score"].id}"

  # Of what the log has, what concerns a secret store: the rest would only be paid for.
  filter = <<-EOT
    log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/data_access") OR log_id("cloudaudit.googleapis.com/policy")
    protoPayload.serviceName=("secretmanager.googleapis.com" OR "cloudkms.googleapis.com" OR "iam.googleapis.com" OR "iamcredentials.googleapis.com" OR "sts.googleapis.com" OR "logging.googleapis.com") OR protoPayload.methodName:"SetIamPolicy"
  EOT

  unique_writer_identity = true

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "audit" {
  topic  = google_pubsub_topic.this["score"].id
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.audit.writer_identity
}

# Who read which secret is told only where Data Access logs are on. This decides for the whole project, so it is asked for.
# https://cloud.google.com/secret-manager/docs/audit-logging
resource "google_project_iam_audit_config" "secret_manager" {
  count = var.data_access_logs ? 1 : 0

  project = var.project
  service = "secretmanager.googleapis.com"

  audit_log_config {
    log_type = "ADMIN_READ"
  }
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

resource "google_pubsub_topic_iam_member" "score_tick" {
  topic  = google_pubsub_topic.this["score-tick"].id
  role   = "roles/pubsub.publisher"
  member = local.agents.scheduler
}

resource "google_cloud_scheduler_job" "score_tick" {
  name        = "${var.name}-score-tick"
  region      = var.region
  description = "Sends alerts again that a channel did not take"
  schedule    = "*/5 * * * *"
  time_zone   = "Etc/UTC"

  retry_config {
    retry_count = 1
  }

  pubsub_target {
    topic_name = google_pubsub_topic.this["score-tick"].id
    data       = base64encode("{}")
  }

  depends_on = [google_project_service.this]
}

locals {
  # What each channel logs in with, for each function that tells it something.
  channels = {
    for pair in setproduct(local.scoring, var.channel_secrets) :
    "${pair[0]} ${pair[1]}" => { function = pair[0], secret = pair[1] }
  }
  topics = {
    for pair in setproduct(["score", "score-tick"], var.alert_topics) :
    "${pair[0]} ${pair[1]}" => { function = pair[0], topic = pair[1] }
  }
}

resource "google_secret_manager_secret_iam_member" "channel" {
  for_each = local.channels

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}

resource "google_pubsub_topic_iam_member" "alert" {
  for_each = local.topics

  topic  = each.value.topic
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}
