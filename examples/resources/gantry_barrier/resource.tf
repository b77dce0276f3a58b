resource "gantry_container" "worker" {
  for_each = toset(["a", "b", "c"])
  name     = "worker-${each.key}"
  image    = "ghcr.io/acme/shop:1.4"
  command  = ["work"]
  wait_for = "none"
}

# Waits for all workers at once, and reports the failure of each.
resource "gantry_barrier" "workers" {
  operations = { for key, worker in gantry_container.worker : key => worker.operation_id }
}

output "worker_addresses" {
  value = { for key, worker in gantry_barrier.workers.results : key => worker.addresses }
}
