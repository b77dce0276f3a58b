# One service on every engine of a map. A change comes to one engine first, the canary; only when the service
# is healthy there does it come to all others, side by side.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

# One provider for all engines. Another machine is another entry of the variable.
provider "gantry" {
  engines = var.engines
}

module "canary" {
  source = "../modules/web-service"

  engine      = var.canary
  name        = var.name
  image       = var.image
  command     = ["serve"]
  environment = var.environment
  health_test = var.health_test
  disposable  = true

  # An update, and no replacement: of those Terraform removes the rest's old containers before the canary's.
  update_order = "stop-first"
}

# If the canary fails, this does, and nothing after it is begun.
resource "gantry_barrier" "canary" {
  operations = { (var.canary) = module.canary.operation_id }
}

module "rest" {
  source   = "../modules/web-service"
  for_each = setsubtract(keys(var.engines), [var.canary])

  engine      = each.key
  name        = var.name
  image       = var.image
  command     = ["serve"]
  environment = var.environment
  health_test = var.health_test
  disposable  = true

  update_order = "stop-first"

  depends_on = [gantry_barrier.canary]
}

output "health" {
  value = merge({ (var.canary) = module.canary.health }, { for key, service in module.rest : key => service.health })
}
