# terraform apply -invoke=action.gantry_unpause.worker
action "gantry_unpause" "worker" {
  config {
    container = gantry_container.worker.name
  }
}

resource "gantry_container" "worker" {
  name  = "worker"
  image = "ghcr.io/acme/worker:3.1"
}
