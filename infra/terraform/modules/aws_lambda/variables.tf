variable "name" {
  description = "Name of the function, and of what belongs to it."
  type        = string
  default     = "any2api"

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,50}$", var.name))
    error_message = "The name has 1 to 50 letters, digits and hyphens."
  }
}

variable "package" {
  description = "Path of the zip that `any2api package aws` made."
  type        = string

  validation {
    condition     = fileexists(var.package)
    error_message = "There is no such zip; make it with `make package-aws`."
  }
}

variable "architecture" {
  description = "What the zip was made for: `arm64`, which costs a fifth less, or `x86_64`."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "python" {
  description = "The Python that the zip was made for."
  type        = string
  default     = "3.13"

  validation {
    condition     = contains(["3.11", "3.12", "3.13"], var.python)
    error_message = "Python is 3.11, 3.12 or 3.13."
  }
}

variable "memory_size" {
  description = "Memory in MB. The processor grows with it: below 512 every cold start takes long."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "Memory is a whole number of MB from 128 to 10240."
  }
}

variable "timeout" {
  description = "Seconds that one answer may take. It is ended in time, with an error that a client can read."
  type        = number
  default     = 300

  validation {
    condition     = var.timeout >= 10 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "The timeout is a whole number of seconds from 10 to 900."
  }
}

variable "reserved_concurrency" {
  description = "How many answers there can be at the same time, which is the ceiling of what can be spent. -1 sets none, for accounts whose own limit leaves nothing to reserve."
  type        = number
  default     = 10

  validation {
    condition     = var.reserved_concurrency >= -1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "Reserved concurrency is a whole number, or -1 for none."
  }
}

variable "secrets_url" {
  description = "Where the secrets are: `ssm:///PREFIX/` or `secretsmanager://NAME`. Default: `ssm:///` and the function's name."
  type        = string
  default     = null

  validation {
    condition     = var.secrets_url == null || can(regex("^(ssm:///([A-Za-z0-9_.-]+/)+|secretsmanager://[A-Za-z0-9/_+=.@-]+)$", coalesce(var.secrets_url, " ")))
    error_message = "The secrets are at ssm:///PREFIX/, with a slash at its end, or at secretsmanager://NAME."
  }
}

variable "secret_names" {
  description = "The secrets that any2api.toml names, which `any2api secrets set` is to set."
  type        = set(string)
  default     = ["API_MASTER_KEY"]

  validation {
    condition     = alltrue([for name in var.secret_names : can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]*$", name))])
    error_message = "A secret's name has letters, digits, underscores, hyphens and full stops."
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
  description = "0: secrets are set out of band. Any other number: Terraform writes `secret_values`, and again when the number changes."
  type        = number
  default     = 0

  validation {
    condition     = var.secrets_version >= 0 && floor(var.secrets_version) == var.secrets_version
    error_message = "The version is a whole number."
  }
}

variable "environment" {
  description = "Further environment variables, such as `STATE_URL`. Never a secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), ["AWS_LAMBDA_EXEC_WRAPPER", "SECRETS_URL"])) == 0
    error_message = "AWS_LAMBDA_EXEC_WRAPPER and SECRETS_URL are set by this module."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs. They hold no prompt, no answer and no secret."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "alias" {
  description = "Publishes versions and puts the URL at an alias of this name; `snap_start` starts them from snapshots, which AWS bills by the hour."
  type = object({
    name       = string
    snap_start = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.alias == null || can(regex("^[A-Za-z][A-Za-z0-9_-]{0,127}$", var.alias.name))
    error_message = "An alias begins with a letter, and has letters, digits, hyphens and underscores."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "Tags that begin with aws: belong to AWS."
  }
}
