# A web service with all that it needs: its image, a network and a volume of its own, and a container
# that is ready when it is healthy.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

resource "gantry_image" "this" {
  engine = var.engine
  name   = var.image

  # Several services may share the image.
  keep_on_destroy = true
}

resource "gantry_network" "own" {
  engine = var.engine
  name   = "${var.name}-net"
  labels = { "com.example.service" = var.name }
}

resource "gantry_volume" "data" {
  engine        = var.engine
  name          = "${var.name}-data"
  force_destroy = var.disposable
}

resource "gantry_container" "this" {
  engine      = var.engine
  name        = var.name
  image       = gantry_image.this.image_id
  command     = var.command
  environment = var.environment
  restart     = "unless-stopped"
  memory      = var.memory

  update_order = var.update_order

  # The keys are known at plan; the references order what depends on what.
  networks = merge(
    { own = { network = gantry_network.own.name } },
    { for key, name in var.networks : key => { network = name } },
  )
  mounts = { (var.data_path) = { type = "volume", source = gantry_volume.data.name } }
  ports  = [{ target = var.port }]

  healthcheck = {
    test     = var.health_test
    interval = "1s"
    retries  = 5
  }
  stop_grace_period = "5s"
}
