# For a backup of what is in its volumes: terraform apply -invoke=action.gantry_stop.db
# The next plan starts it again, since its desired_state is "running".
action "gantry_stop" "db" {
  config {
    container         = gantry_container.db.name
    stop_grace_period = "2m"
  }
}

resource "gantry_container" "db" {
  name  = "db"
  image = "ghcr.io/acme/db:16"
}
