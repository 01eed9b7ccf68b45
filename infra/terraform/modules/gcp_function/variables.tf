variable "project" {
  description = "Id of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 small letters, digits and hyphens; it begins with a letter."
  }
}

variable "region" {
  description = "Where the function runs, such as `europe-west1`."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is called like europe-west1."
  }
}

variable "name" {
  description = "Name of the function, and the beginning of the names of what belongs to it, secrets included."
  type        = string
  default     = "any2api"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,22}[a-z0-9]$", var.name))
    error_message = "The name has 6 to 24 small letters, digits and hyphens; it begins with a letter."
  }
}

variable "package" {
  description = "Path of the zip that `any2api package gcp` made."
  type        = string

  validation {
    condition     = fileexists(var.package)
    error_message = "There is no such zip; make it with `make package-gcp`."
  }
}

variable "python" {
  description = "The Python that the function runs on."
  type        = string
  default     = "3.13"

  validation {
    condition     = contains(["3.11", "3.12", "3.13"], var.python)
    error_message = "Python is 3.11, 3.12 or 3.13."
  }
}

variable "memory" {
  description = "Memory of an instance, such as `512Mi`."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^[1-9][0-9]*[MG]i?$", var.memory))
    error_message = "Memory is a whole number with M, G, Mi or Gi."
  }
}

variable "timeout" {
  description = "Seconds that one answer may take. It is ended in time, with an error that a client can read."
  type        = number
  default     = 300

  validation {
    condition     = var.timeout >= 10 && var.timeout <= 3600 && floor(var.timeout) == var.timeout
    error_message = "The timeout is a whole number of seconds from 10 to 3600."
  }
}

variable "concurrency" {
  description = "How many answers one instance gives at the same time. They wait for upstreams most of the time."
  type        = number
  default     = 40

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000 && floor(var.concurrency) == var.concurrency
    error_message = "Concurrency is a whole number from 1 to 1000."
  }
}

variable "max_instances" {
  description = "How many instances there can be at the same time, which is the ceiling of what can be spent."
  type        = number
  default     = 2

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "There is at least one instance."
  }
}

variable "secret_names" {
  description = "The secrets that any2api.toml names. The function may read these and no others."
  type        = set(string)
  default     = ["API_MASTER_KEY"]

  validation {
    condition     = alltrue([for name in var.secret_names : can(regex("^[A-Za-z0-9_][A-Za-z0-9_-]*$", name))])
    error_message = "A secret's name has letters, digits, underscores and hyphens."
  }
}

variable "bound_secrets" {
  description = "Those of them that are also bound to an environment variable, as which they change only with a new instance."
  type        = set(string)
  default     = ["API_MASTER_KEY"]

  validation {
    condition     = length(setsubtract(var.bound_secrets, concat(tolist(var.secret_names), ["API_MASTER_KEY"]))) == 0
    error_message = "There is a name in bound_secrets that is not in secret_names."
  }
}

variable "secret_values" {
  description = "Only where Terraform is to write the secrets itself: their values by name, which no state or plan will hold."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = alltrue([for name in keys(var.secret_values) : contains(var.secret_names, name)])
    error_message = "There is a value for a name that is not in secret_names."
  }
}

variable "secrets_version" {
  description = "0: secrets are set out of band, before. Any other number: Terraform writes `secret_values`, and again when the number changes."
  type        = number
  default     = 0

  validation {
    condition     = var.secrets_version >= 0 && floor(var.secrets_version) == var.secrets_version
    error_message = "The version is a whole number."
  }
}

variable "environment" {
  description = "Further environment variables. Never a secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), ["ANY2API_TIME_LIMIT", "SECRETS_URL"])) == 0
    error_message = "ANY2API_TIME_LIMIT and SECRETS_URL are set by this module."
  }
}

variable "labels" {
  description = "Labels of everything that can have them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels have small letters, digits, underscores and hyphens, up to 63 of them."
  }
}
