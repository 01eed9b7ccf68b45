variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the function runs."
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "Name of the function, and the beginning of the names of its secrets."
  type        = string
  default     = "any2api"
}

variable "package" {
  description = "Path of the zip that `make package-gcp` made."
  type        = string
  default     = "../../../../dist/any2api-gcp.zip"
}

variable "max_instances" {
  description = "How many instances there can be at the same time."
  type        = number
  default     = 2
}

variable "config" {
  description = "Path of the any2api.toml in the zip, if there is one: the secrets that it names are those that the function may read."
  type        = string
  default     = "../../../../any2api.toml"
}
