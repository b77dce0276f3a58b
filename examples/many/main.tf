# Many containers, cast and gathered: the apply does not wait for one after the other, a barrier waits
# for all of them at once, and others use its results.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

resource "gantry_container" "worker" {
  for_each = toset([for n in range(var.workers) : format("%02d", n)])
  name     = "${var.name}-${each.key}"
  image    = var.image
  command  = var.command
  wait_for = "none"

  stop_grace_period = "2s"
}

resource "gantry_barrier" "workers" {
  operations = { for key, worker in gantry_container.worker : key => worker.operation_id }
}

# Knows the addresses of all workers, and so starts after them.
resource "gantry_container" "leader" {
  name        = "${var.name}-leader"
  image       = var.image
  command     = var.command
  environment = { WORKERS = join(",", [for key, worker in gantry_barrier.workers.results : "${key}=${worker.addresses["bridge"]}"]) }

  stop_grace_period = "2s"
}

output "running" {
  value = length([for worker in gantry_barrier.workers.results : worker if worker.status == "running"])
}
