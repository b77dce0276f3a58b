resource "gantry_container" "db" {
  name  = "db"
  image = "ghcr.io/acme/db:16"
}

# Runs in every new container, and when the migrations change.
resource "gantry_exec" "migrate" {
  container   = gantry_container.db.name
  command     = ["migrate", "up"]
  environment = { DIRECTION = "up" }

  triggers = {
    container  = gantry_container.db.container_id
    migrations = "0042"
  }

  timeouts = { create = "5m" }
}
