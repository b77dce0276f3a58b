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
