variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "name" {
  description = "Name of the gateway on each of the three."
  type        = string
  default     = "any2api"
}

variable "directory" {
  description = "Path of the checkout, with your any2api.toml and the packages in its `dist`."
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
