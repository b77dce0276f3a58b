# A whole stack: settings from an environment file, a network that all share, a migration that has to
# succeed first, and services, each with a network and a volume of its own.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

locals {
  settings = provider::gantry::parse_env_file(file(var.env_file))
}

resource "gantry_network" "shared" {
  engine = var.engine
  name   = "${var.name}-shared"
}

resource "gantry_container" "migration" {
  engine        = var.engine
  name          = "${var.name}-migration"
  image         = var.image
  command       = var.migration
  environment   = local.settings
  networks      = { shared = { network = gantry_network.shared.name } }
  desired_state = "completed"
}

module "service" {
  source   = "../web-service"
  for_each = var.services

  engine      = var.engine
  name        = "${var.name}-${each.key}"
  image       = var.image
  command     = ["serve"]
  environment = merge(local.settings, { SERVICE = each.key })
  networks    = { shared = gantry_network.shared.name }
  health_test = var.health_test

  depends_on = [gantry_container.migration]
}

output "health" {
  description = "Each service's health."
  value       = { for key, service in module.service : key => service.health }
}
