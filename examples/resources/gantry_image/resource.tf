resource "gantry_image" "shop" {
  name = "ghcr.io/acme/shop:1.4"
}

# When the tag moves at the registry, the next plan pulls it and replaces the container.
resource "gantry_image" "nightly" {
  name        = "ghcr.io/acme/shop:nightly"
  pull_policy = "always"
}

resource "gantry_container" "nightly" {
  name  = "nightly"
  image = gantry_image.nightly.image_id
}

# From a file that "docker save" wrote, with a further name.
resource "gantry_image" "tool" {
  name    = "acme/tool:7"
  archive = "${path.module}/tool.tar"
  tags    = ["acme/tool:latest"]
}

# Pulled while Terraform goes on with all else. A barrier waits for it, and knows what it is.
resource "gantry_image" "model" {
  name     = "ghcr.io/acme/model:large"
  wait_for = "none"
}

resource "gantry_barrier" "images" {
  operations = { model = gantry_image.model.operation_id }
}

resource "gantry_container" "model" {
  name  = "model"
  image = gantry_barrier.images.results["model"].image_id
}
