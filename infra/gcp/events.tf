# Secret Manager -> topic "rotate" -> function "rotate"; Cloud Scheduler -> topic "advance" -> function "advance"; score.tf has the others.
# The subscriptions are ours and not Eventarc's, whose own has no dead-letter topic. The path of a push names the topic, from which the functions
# framework makes the same CloudEvent. https://github.com/GoogleCloudPlatform/functions-framework-nodejs/blob/main/src/pubsub_middleware.ts

resource "google_pubsub_topic" "this" {
  for_each = local.subscribed

  name = "${var.name}-${each.key}"

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic" "dead_letter" {
  name = "${var.name}-dead-letter"

  depends_on = [google_project_service.this]
}

# Keeps what could not be worked on, for a person to look at.
resource "google_pubsub_subscription" "dead_letter" {
  name                       = "${var.name}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter.id
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "this" {
  for_each = local.subscribed

  name  = "${var.name}-${each.key}"
  topic = google_pubsub_topic.this[each.key].id

  # Longer than a function may take, so that nothing is delivered twice while it is at work.
  ack_deadline_seconds       = 600
  message_retention_duration = contains(["advance", "score-tick"], each.key) ? "600s" : "86400s"

  push_config {
    push_endpoint = "${google_cloudfunctions2_function.this[each.key].service_config[0].uri}/${google_pubsub_topic.this[each.key].id}"

    oidc_token {
      service_account_email = google_service_account.delivery.email
      audience              = google_cloudfunctions2_function.this[each.key].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = 10
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_service_iam_member.delivery]
}

# What Pub/Sub needs to set a message aside. https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
resource "google_pubsub_topic_iam_member" "dead_letter" {
  topic  = google_pubsub_topic.dead_letter.id
  role   = "roles/pubsub.publisher"
  member = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "dead_letter" {
  for_each = local.subscribed

  subscription = google_pubsub_subscription.this[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

# Secret Manager publishes as its service agent, which is made on demand. https://cloud.google.com/secret-manager/docs/event-notifications
resource "google_project_service_identity" "secret_manager" {
  provider = google-beta

  project = var.project
  service = "secretmanager.googleapis.com"

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "rotate" {
  topic  = google_pubsub_topic.this["rotate"].id
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.secret_manager.member
}

resource "google_pubsub_topic_iam_member" "advance" {
  topic  = google_pubsub_topic.this["advance"].id
  role   = "roles/pubsub.publisher"
  member = local.agents.scheduler
}

resource "google_cloud_scheduler_job" "advance" {
  name        = "${var.name}-advance"
  region      = var.region
  description = "Goes on with what waits, and starts what is due"
  schedule    = var.schedule
  time_zone   = "Etc/UTC"

  # One that cannot be published before the next is worth nothing.
  retry_config {
    retry_count = 1
  }

  pubsub_target {
    topic_name = google_pubsub_topic.this["advance"].id
    data       = base64encode("{}")
  }

  depends_on = [google_project_service.this]
}
