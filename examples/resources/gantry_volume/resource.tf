resource "gantry_volume" "data" {
  name   = "shop-data"
  labels = { "com.example.backup" = "daily" }
}

resource "gantry_volume" "shared" {
  name = "shop-shared"
  driver_opts = {
    type   = "nfs"
    o      = "addr=10.0.0.5,rw"
    device = ":/exports/shop"
  }
}

# A cache may be thrown away: a destroy takes it even if there is something in it.
resource "gantry_volume" "cache" {
  name          = "shop-cache"
  force_destroy = true
}

resource "gantry_container" "web" {
  name  = "web"
  image = "ghcr.io/acme/shop:1.4"
  mounts = {
    "/data"  = { type = "volume", source = gantry_volume.data.name }
    "/cache" = { type = "volume", source = gantry_volume.cache.name }
  }
}
