variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-many"
}

variable "image" {
  description = "The workers' image."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "command" {
  description = "The workers' command."
  type        = list(string)
  default     = ["serve"]
}

variable "workers" {
  description = "How many workers there are."
  type        = number
  default     = 30
}
