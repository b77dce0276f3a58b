# Has the proxy read its configuration again whenever the file changes.
resource "gantry_container" "proxy" {
  name  = "proxy"
  image = "ghcr.io/acme/proxy:1.27"
  files = { "/etc/proxy/proxy.conf" = { content = "listen 8080\n" } }

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.gantry_kill.reload]
    }
  }
}

action "gantry_kill" "reload" {
  config {
    container = gantry_container.proxy.name
    signal    = "HUP"
  }
}
