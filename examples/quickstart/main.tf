# A web server that is ready when it is healthy, and a job that has to succeed before it.
# `make demo` builds the image and runs this; tools/demo.sh shows each step.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {
  # Without a host: DOCKER_HOST, else the docker command's context, else the local socket.
}

# A job runs once. Its success is the goal, so that it has ended is no drift afterwards.
resource "gantry_container" "migrate" {
  name          = "${var.name}-migrate"
  image         = var.image
  command       = ["migrate"]
  desired_state = "completed"
}

resource "gantry_container" "web" {
  name  = "${var.name}-web"
  image = var.image

  environment = {
    GREETING = "Hello from gantry"
  }

  # Without `published` the engine chooses a free port of its host; see the outputs.
  ports = [
    {
      target    = 8080
      published = var.port
    },
  ]

  # The apply goes on as soon as the check succeeds, and fails at once if the container exits
  # or is unhealthy.
  healthcheck = {
    test     = ["CMD", "/demo", "health"]
    interval = "1s"
    retries  = 5
  }

  # These two change in place: the container keeps running.
  restart = var.restart
  memory  = var.memory

  stop_grace_period = "5s"

  depends_on = [gantry_container.migrate]
}
