variable "name" {
  description = "What all names begin with."
  type        = string
  default     = "gantry-secrets"
}

variable "image" {
  description = "An image whose program serves with the argument serve, such as the one that `make demo` makes."
  type        = string
  default     = "gantry-demo:1.0"
}

variable "api_token" {
  description = "A secret of the application. A change is passed on with a higher version, in a new container."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "api_token_version" {
  type    = number
  default = 1
}

variable "private_key" {
  description = "The content of a file. A change is passed on with a higher version, into the running container, which is restarted."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "private_key_version" {
  type    = number
  default = 1
}
