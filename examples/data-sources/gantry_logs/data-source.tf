resource "gantry_container" "migration" {
  name          = "migration"
  image         = "ghcr.io/acme/shop:1.4"
  command       = ["migrate"]
  desired_state = "completed"
}

data "gantry_logs" "migration" {
  container = gantry_container.migration.container_id
  tail      = 20
}

output "migration" {
  value = data.gantry_logs.migration.stdout
}
