data "gantry_volume" "data" {
  name = "shop-data"
}

output "directory" {
  value = data.gantry_volume.data.mountpoint
}
