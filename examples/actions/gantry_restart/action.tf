# terraform apply -invoke=action.gantry_restart.web
action "gantry_restart" "web" {
  config {
    container         = gantry_container.web.name
    stop_grace_period = "30s"
    wait_for          = "healthy"
  }
}

resource "gantry_container" "web" {
  name        = "web"
  image       = "ghcr.io/acme/web:1.4"
  healthcheck = { test = ["CMD", "web", "health"] }
}
