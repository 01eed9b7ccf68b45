variable "name" {
  description = "Name of the project, and the beginning of its address where that is still free."
  type        = string
  default     = "any2api"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$", var.name))
    error_message = "The name has up to 100 small letters, digits and hyphens."
  }
}

variable "team_id" {
  description = "Id of the team that the project belongs to. Default: that of the provider, or your own account."
  type        = string
  default     = null

  validation {
    condition     = var.team_id == null || can(regex("^team_[A-Za-z0-9]+$", coalesce(var.team_id, " ")))
    error_message = "The id of a team begins with team_."
  }
}

variable "directory" {
  description = "Path of a checkout of any2api, with your any2api.toml in it."
  type        = string

  validation {
    condition     = fileexists("${var.directory}/vercel.json") && fileexists("${var.directory}/.vercelignore")
    error_message = "There is no vercel.json with a .vercelignore: this is no checkout of any2api."
  }
}

variable "regions" {
  description = "Where the function runs: one of Vercel's regions, near your upstreams."
  type        = set(string)
  default     = ["iad1"]

  validation {
    condition     = length(var.regions) > 0 && alltrue([for region in var.regions : can(regex("^[a-z]{3}[0-9]$", region))])
    error_message = "A region is called like iad1."
  }
}

variable "secret_names" {
  description = "The secrets that any2api.toml names."
  type        = set(string)
  default     = ["API_MASTER_KEY"]

  validation {
    condition     = alltrue([for name in var.secret_names : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Vercel takes letters, digits and underscores in the name of a variable."
  }
}

variable "secret_values" {
  description = "Their values by name, which no state or plan will hold."
  type        = map(string)
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(setsubtract(var.secret_names, keys(var.secret_values))) == 0
    error_message = "There is a name in secret_names without a value."
  }
}

variable "secrets_version" {
  description = "Has to change for new values to be written; then there is a new deployment too."
  type        = number
  default     = 1

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "The version is a whole number from 1."
  }
}

variable "environment" {
  description = "Further environment variables. Never a secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), var.secret_names)) == 0
    error_message = "There is a secret among the further environment variables."
  }
}
