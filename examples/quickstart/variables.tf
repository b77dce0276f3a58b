variable "name" {
  description = "What the names of the containers begin with."
  type        = string
  default     = "gantry-demo"
}

variable "image" {
  description = "The demo image, which `make demo` makes from demo/main.go."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "port" {
  description = "The port of the host that leads to the web server. Null: the engine chooses."
  type        = string
  default     = null
}

variable "memory" {
  description = "The memory limit of the web server."
  type        = string
  default     = "64m"
}

variable "restart" {
  description = "When the engine restarts the web server."
  type        = string
  default     = "unless-stopped"
}
