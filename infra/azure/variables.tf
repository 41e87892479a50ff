variable "subscription_id" {
  description = "The subscription of the resource group and of the vault."
  type        = string
}

variable "resource_group_name" {
  description = "An existing resource group for the functions."
  type        = string
}

variable "location" {
  description = "A region that has the Flex Consumption plan, for example westeurope."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with. The app's host name is made from it, so it is unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,17}$", var.name))
    error_message = "Write 3 to 18 lower-case letters and digits, a letter first: storage accounts allow no more."
  }
}

variable "vault_name" {
  description = "The Key Vault with the secrets. It must use Azure role-based access control, not access policies."
  type        = string
}

variable "vault_resource_group_name" {
  description = "The vault's resource group. Default: the functions' own."
  type        = string
  default     = null
}

variable "secrets" {
  description = "The names of the secrets that keywheel.yaml rotates. The functions may write these and no others."
  type        = set(string)

  validation {
    condition     = length(var.secrets) > 0
    error_message = "Name at least one secret."
  }
}

variable "admin_secrets" {
  description = "The names of the secrets that keywheel.yaml names as target.admin.secret. The functions may read them."
  type        = set(string)
  default     = []
}

variable "pending_suffix" {
  description = "As stores.*.pendingSuffix in keywheel.yaml."
  type        = string
  default     = "--pending"
}

variable "table" {
  description = "As state.table in keywheel.yaml."
  type        = string
  default     = "keywheel"
}

variable "channel_secrets" {
  description = "The names of the secrets that keywheel.yaml names as audit.alerts.channels[].credential.secret. The functions may read them."
  type        = set(string)
  default     = []
}

variable "alert_topic_ids" {
  description = "The resource ids of the Event Grid topics of audit.alerts.channels. The functions may send to them."
  type        = set(string)
  default     = []
}

variable "runtime_version" {
  description = "The version of Node.js."
  type        = string
  default     = "22"

  validation {
    condition     = contains(["22", "24"], var.runtime_version)
    error_message = "Write 22 or 24."
  }
}

variable "subnet_id" {
  description = "A subnet delegated to Microsoft.App/environments, where the databases have private addresses."
  type        = string
  default     = null
}

variable "functions_deployed" {
  description = "False for the first apply, true from when the package was deployed: Event Grid asks a function whether it is there before it sends."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90
}

variable "app_settings" {
  description = "More environment variables: names that keywheel.yaml reads, never material."
  type        = map(string)
  default     = {}
}
