variable "container" {
  description = "The container's name."
  type        = string
  default     = "legacy-web"
}

variable "volume" {
  description = "The volume's name."
  type        = string
  default     = "legacy-data"
}

variable "image" {
  description = "The container's image."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "restart" {
  description = "When the engine restarts the container. Changes in place."
  type        = string
  default     = "no"
}
