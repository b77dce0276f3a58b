terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

# The engine of this machine, or the one that DOCKER_HOST or the docker context names.
provider "gantry" {
  registry_auth = {
    "ghcr.io" = {
      username = var.registry_username
      password = var.registry_password
    }
  }
}

# Another engine: its resources say `provider = gantry.edge`.
provider "gantry" {
  alias = "edge"
  host  = "ssh://deploy@edge1.example.com"

  # A small machine: no more than four operations and one pull at a time.
  max_parallel       = 4
  max_parallel_pulls = 1
}

variable "registry_username" {
  type = string
}

variable "registry_password" {
  type      = string
  sensitive = true
}
