variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-maintenance"
}

variable "image" {
  description = "The container's image."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "command" {
  description = "The container's command."
  type        = list(string)
  default     = ["serve"]
}

variable "greeting" {
  description = "What its configuration says."
  type        = string
  default     = "hello"
}

variable "reload_signal" {
  description = "What has the program read its configuration again: often HUP. The demo image's does nothing with WINCH."
  type        = string
  default     = "WINCH"
}

variable "warm_up" {
  description = "What runs in every new container."
  type        = list(string)
  default     = ["/demo", "health"]
}

variable "backup" {
  description = "What runs for a backup."
  type        = list(string)
  default     = ["/demo", "health"]
}
