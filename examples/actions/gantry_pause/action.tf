# terraform apply -invoke=action.gantry_pause.worker
action "gantry_pause" "worker" {
  config {
    container = gantry_container.worker.name
    on_busy   = "reject"
  }
}

resource "gantry_container" "worker" {
  name  = "worker"
  image = "ghcr.io/acme/worker:3.1"
}
