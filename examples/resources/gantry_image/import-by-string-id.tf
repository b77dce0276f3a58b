import {
  to = gantry_image.shop
  id = "ghcr.io/acme/shop:1.4" # Or engine/name.
}
