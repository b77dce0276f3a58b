# Secrets that are in no state and in no plan: ephemeral variables reach the container through
# write-only arguments, as a variable of its environment and as a file. A higher version passes on a
# new secret. It needs Terraform 1.11.

terraform {
  required_version = ">= 1.11"
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

resource "gantry_container" "app" {
  name    = "${var.name}-app"
  image   = var.image
  command = ["serve"]

  environment_wo         = { API_TOKEN = var.api_token }
  environment_wo_version = var.api_token_version

  files = {
    "/run/secrets/certificate.key" = {
      content_wo         = var.private_key
      content_wo_version = var.private_key_version
      mode               = "0400"
      restart_on_change  = true
    }
  }
}

output "status" {
  value = gantry_container.app.status
}
