data "gantry_volume" "data" {
  name = "shop-data"
}

output "folder" {
  value = data.gantry_volume.data.mountpoint
}
