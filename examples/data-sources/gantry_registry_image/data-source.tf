data "gantry_registry_image" "shop" {
  name = "ghcr.io/acme/shop:1.4"
}

# Exactly the image that the tag leads to now.
resource "gantry_container" "shop" {
  name  = "shop"
  image = "ghcr.io/acme/shop@${data.gantry_registry_image.shop.digest}"
}

output "megabytes" {
  value = data.gantry_registry_image.shop.platforms["linux/amd64"].size / 1000000
}
