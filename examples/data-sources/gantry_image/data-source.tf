data "gantry_image" "built" {
  name = "acme/shop:dev" # Built on the engine's host.
}

resource "gantry_container" "dev" {
  name  = "shop-dev"
  image = data.gantry_image.built.image_id # Replaced when the image is built anew.
}
