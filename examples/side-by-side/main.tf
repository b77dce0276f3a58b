# One stack as a module, twice on one engine.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

module "stack" {
  source   = "../modules/stack"
  for_each = toset(["blue", "green"])

  name        = "${var.name}-${each.key}"
  image       = var.image
  env_file    = "${path.module}/stack.env"
  migration   = var.migration
  health_test = var.health_test
  services    = var.services
}

output "healthy" {
  value = { for color, stack in module.stack : color => length([for health in values(stack.health) : health if health == "healthy"]) }
}
