# What is done with a running container, beside its configuration: a command after every new one, a
# signal after every change of a file, and a backup and a restart by hand. Actions need Terraform 1.14.
#
#   terraform apply -invoke=action.gantry_exec.backup
#   terraform apply -invoke=action.gantry_restart.web

terraform {
  required_version = ">= 1.14"

  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

resource "gantry_container" "web" {
  name              = "${var.name}-web"
  image             = var.image
  command           = var.command
  files             = { "/etc/web.conf" = { content = "greeting = ${var.greeting}\n" } }
  stop_grace_period = "5s"

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.gantry_exec.warm_up]
    }

    action_trigger {
      events  = [after_update]
      actions = [action.gantry_kill.reload]
    }
  }
}

# What it writes is shown while the apply goes on.
action "gantry_exec" "warm_up" {
  config {
    container   = gantry_container.web.name
    command     = var.warm_up
    environment = { GREETING = var.greeting }
  }
}

action "gantry_kill" "reload" {
  config {
    container = gantry_container.web.name
    signal    = var.reload_signal
  }
}

action "gantry_exec" "backup" {
  config {
    container = gantry_container.web.name
    command   = var.backup
    on_busy   = "reject"
    timeouts  = { invoke = "30m" }
  }
}

action "gantry_restart" "web" {
  config {
    container = gantry_container.web.name
    wait_for  = "running"
  }
}
