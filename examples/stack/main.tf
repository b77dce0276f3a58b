# Several services from one module, on a network that they share.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

resource "gantry_network" "shared" {
  name = "${var.name}-shared"
}

module "service" {
  source   = "../modules/web-service"
  for_each = var.services

  name        = "${var.name}-${each.key}"
  image       = var.image
  command     = ["serve"]
  environment = merge({ SERVICE = each.key }, each.value.environment)
  memory      = each.value.memory
  networks    = { shared = gantry_network.shared.name }
  health_test = var.health_test
}

output "health" {
  value = { for key, service in module.service : key => service.health }
}
