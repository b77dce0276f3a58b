resource "gantry_container" "web" {
  name  = "web"
  image = "ghcr.io/acme/web:1.4"

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.gantry_exec.warm_up]
    }
  }
}

# Shows what it writes while the apply goes on. By hand: terraform apply -invoke=action.gantry_exec.warm_up
action "gantry_exec" "warm_up" {
  config {
    container   = gantry_container.web.name
    command     = ["web", "cache", "warm"]
    environment = { LOG_LEVEL = "info" }
    timeouts    = { invoke = "2m" }
  }
}
