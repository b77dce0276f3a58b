variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-twice"
}

variable "image" {
  description = "An image whose program serves HTTP on port 8080 with the argument serve, such as the one that `make demo` makes."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "migration" {
  description = "The arguments of the migration."
  type        = list(string)
  default     = ["health"]
}

variable "health_test" {
  description = "The services' health check."
  type        = list(string)
  default     = ["CMD", "/demo", "health"]
}

variable "services" {
  description = "The services of each stack."
  type        = set(string)
  default     = ["account", "basket", "billing", "catalog", "front", "mail", "payment", "search", "shipping", "shop"]
}
