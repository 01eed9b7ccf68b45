variable "name" {
  description = "Name of the project."
  type        = string
  default     = "any2api"
}

variable "team_id" {
  description = "Id of the team that the project belongs to. Default: your own account."
  type        = string
  default     = null
}

variable "directory" {
  description = "Path of the checkout, with your any2api.toml in it."
  type        = string
  default     = "../../../.."
}

variable "secret_values" {
  description = "The secrets that any2api.toml names, API_MASTER_KEY among them: set it as TF_VAR_secret_values."
  type        = map(string)
  ephemeral   = true
  sensitive   = true
}

variable "secrets_version" {
  description = "Has to change for new values to be written."
  type        = number
  default     = 1
}
