variable "name" {
  description = "The service's name; the names of its network and volume begin with it."
  type        = string
}

variable "engine" {
  description = "The engine: a key of the provider's engines. Null: the provider's default engine."
  type        = string
  default     = null
}

variable "image" {
  description = "The image to run."
  type        = string
}

variable "command" {
  description = "The arguments of the image's program. Null: the image's own."
  type        = list(string)
  default     = null
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
  default     = {}
}

variable "port" {
  description = "The port that the service listens on. The engine chooses the host's."
  type        = number
  default     = 8080
}

variable "health_test" {
  description = "The health check."
  type        = list(string)
}

variable "networks" {
  description = "Further networks, by keys that are known at plan."
  type        = map(string)
  default     = {}
}

variable "data_path" {
  description = "Where the volume is in the container."
  type        = string
  default     = "/data"
}

variable "memory" {
  description = "The memory limit. Changes in place."
  type        = string
  default     = "64m"
}

variable "disposable" {
  description = "Whether a destroy takes the volume although it holds data."
  type        = bool
  default     = false
}

variable "update_order" {
  description = "How a new container takes the place of the old one in an update: stop-first or start-first. Null: Terraform replaces it."
  type        = string
  default     = null
}
