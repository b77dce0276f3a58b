# A migration that has to succeed before the service starts, with its settings from an environment
# file, and a command in the running service afterwards. Functions of providers need Terraform 1.8.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

locals {
  settings = provider::gantry::parse_env_file(file("${path.module}/app.env"))
}

resource "gantry_volume" "database" {
  name = "${var.name}-database"
}

resource "gantry_container" "migration" {
  name          = "${var.name}-migration"
  image         = var.image
  command       = var.migration
  environment   = local.settings
  mounts        = { "/database" = { type = "volume", source = gantry_volume.database.name } }
  desired_state = "completed"
}

resource "gantry_container" "service" {
  name              = "${var.name}-service"
  image             = var.image
  command           = ["serve"]
  environment       = local.settings
  mounts            = { "/database" = { type = "volume", source = gantry_volume.database.name } }
  stop_grace_period = "5s"

  depends_on = [gantry_container.migration]
}

# Runs again in every new container.
resource "gantry_exec" "check" {
  container = gantry_container.service.name
  command   = var.check
  triggers  = { container = gantry_container.service.container_id }
}

data "gantry_logs" "migration" {
  container = gantry_container.migration.container_id
}

output "migration" {
  value = data.gantry_logs.migration.stdout
}
