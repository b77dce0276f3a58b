variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-stack"
}

variable "image" {
  description = "An image whose program serves HTTP on port 8080 with the argument serve, such as the one that `make demo` makes."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "health_test" {
  description = "The services' health check."
  type        = list(string)
  default     = ["CMD", "/demo", "health"]
}

variable "services" {
  description = "The services by name."
  type = map(object({
    memory      = optional(string, "64m")
    environment = optional(map(string), {})
  }))
  default = {
    shop    = {}
    account = { memory = "96m" }
    search  = { environment = { INDEX = "products" } }
  }
}
