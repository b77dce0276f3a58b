variable "engines" {
  description = "The engines by names of your choice, each with its address."
  type        = map(object({ host = string }))
}

variable "canary" {
  description = "The engine that a change comes to first."
  type        = string

  validation {
    condition     = contains(keys(var.engines), var.canary)
    error_message = "The canary must be a key of engines."
  }
}

variable "name" {
  description = "The service's name on each engine."
  type        = string
  default     = "gantry-fleet"
}

variable "image" {
  description = "An image whose program serves HTTP on port 8080 with the argument serve."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "environment" {
  description = "Environment variables. A change comes to the canary first."
  type        = map(string)
  default     = {}
}

variable "health_test" {
  description = "The service's health check."
  type        = list(string)
  default     = ["CMD", "/demo", "health"]
}
