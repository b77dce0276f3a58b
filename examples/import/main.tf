# Adopts what runs already: a container and its volume that were made with
#   docker run -d --name legacy-web -e MODE=production -v legacy-data:/data IMAGE
# The first plan imports and changes nothing; after the apply they are managed here.

terraform {
  required_providers {
    gantry = {
      source = "gantry-provider/gantry"
    }
  }
}

provider "gantry" {}

import {
  to = gantry_container.web
  id = var.container
}

import {
  to = gantry_volume.data
  id = var.volume
}

resource "gantry_volume" "data" {
  name = var.volume
}

resource "gantry_container" "web" {
  name        = var.container
  image       = var.image
  environment = { MODE = "production" }
  mounts      = { "/data" = { type = "volume", source = gantry_volume.data.name } }
  restart     = var.restart
}
