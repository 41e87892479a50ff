variable "project" {
  description = "The id of the project with the secrets. The functions run in it."
  type        = string
}

variable "region" {
  description = "The region of the functions, for example europe-west1."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with. A service account's id has room for 30 characters."
  type        = string
  default     = "keywheel"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{3,17}[a-z0-9]$", var.name))
    error_message = "Write 5 to 19 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "package_file" {
  description = "The package that `npm run package -- gcp` wrote."
  type        = string
  default     = "../../dist/gcp/keywheel.zip"
}

variable "secrets" {
  description = "The ids of the secrets that keywheel.yaml rotates. The functions may write these and no others."
  type        = set(string)

  validation {
    condition     = length(var.secrets) > 0
    error_message = "Name at least one secret."
  }
}

variable "admin_secrets" {
  description = "The ids of the secrets that keywheel.yaml names as target.admin.secret. The functions may read them."
  type        = set(string)
  default     = []
}

variable "pending_suffix" {
  description = "As stores.*.pendingSuffix in keywheel.yaml."
  type        = string
  default     = "--pending"
}

variable "replica_locations" {
  description = "Where the secrets are kept, if they are not replicated automatically: their companions are kept in the same places."
  type        = list(string)
  default     = []
}

variable "database" {
  description = "The id of the Firestore database, as state.database in keywheel.yaml. It is made here and used for nothing else."
  type        = string
  default     = "keywheel"
}

variable "database_location" {
  description = "Where the database is, for example eur3 or nam5. It cannot be changed later."
  type        = string
}

variable "collection" {
  description = "As state.collection in keywheel.yaml."
  type        = string
  default     = "keywheel"
}

variable "callers" {
  description = "Who may call the function for requests, for example group:oncall@example.com. What a caller may ask is decided by keywheel.yaml."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setintersection(var.callers, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "Name groups, users or service accounts: this function rotates secrets."
  }
}

variable "channel_secrets" {
  description = "The ids of the secrets that keywheel.yaml names as audit.alerts.channels[].credential.secret. The functions that score may read them."
  type        = set(string)
  default     = []
}

variable "alert_topics" {
  description = "The Pub/Sub topics of audit.alerts.channels, as projects/PROJECT/topics/TOPIC. The functions that score may publish to them."
  type        = set(string)
  default     = []
}

variable "data_access_logs" {
  description = "Turns the Data Access logs of Secret Manager on, for the whole project. Without them nobody learns who read a secret."
  type        = bool
  default     = false
}

variable "schedule" {
  description = "When waits and due secrets are looked at, as cron."
  type        = string
  default     = "*/5 * * * *"
}

variable "runtime" {
  description = "The runtime of the functions."
  type        = string
  default     = "nodejs24"

  validation {
    condition     = contains(["nodejs22", "nodejs24"], var.runtime)
    error_message = "Write nodejs22 or nodejs24."
  }
}

variable "vpc_connector" {
  description = "The id of a Serverless VPC Access connector, where the databases have private addresses."
  type        = string
  default     = null
}

variable "environment" {
  description = "More environment variables: names that keywheel.yaml reads, never material."
  type        = map(string)
  default     = {}
}
