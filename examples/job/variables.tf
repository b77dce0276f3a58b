variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-job"
}

variable "image" {
  description = "The image of the service and of its migration."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "migration" {
  description = "The command of the migration."
  type        = list(string)
  default     = ["migrate"]
}

variable "check" {
  description = "A command that checks the running service."
  type        = list(string)
  default     = ["/demo", "health"]
}
