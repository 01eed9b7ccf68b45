variable "name" {
  description = "Name of the function; its secrets are below `/NAME/` in SSM."
  type        = string
  default     = "any2api"
}

variable "package" {
  description = "Path of the zip that `make package-aws` made."
  type        = string
  default     = "../../../../dist/any2api-aws-arm64.zip"
}

variable "architecture" {
  description = "What the zip was made for: `arm64` or `x86_64`."
  type        = string
  default     = "arm64"
}

variable "python" {
  description = "The Python that the zip was made for."
  type        = string
  default     = "3.13"
}

variable "reserved_concurrency" {
  description = "How many answers there can be at the same time. New accounts have nothing to reserve: -1 sets none."
  type        = number
  default     = 10
}

variable "config" {
  description = "Path of the any2api.toml in the zip, if there is one: the secrets that it names are what is to be set."
  type        = string
  default     = "../../../../any2api.toml"
}
