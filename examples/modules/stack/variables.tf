variable "name" {
  description = "What all names begin with: it keeps two stacks on one engine apart."
  type        = string
}

variable "engine" {
  description = "The engine: a key of the provider's engines. Null: the provider's default engine."
  type        = string
  default     = null
}

variable "image" {
  description = "The image of the services and of the migration."
  type        = string
}

variable "env_file" {
  description = "The path of a file with settings, as Compose reads it."
  type        = string
}

variable "migration" {
  description = "The arguments of the migration. It has to end with 0."
  type        = list(string)
}

variable "health_test" {
  description = "The services' health check."
  type        = list(string)
}

variable "services" {
  description = "The services by name."
  type        = set(string)
}
