# All running containers of a Compose project.
data "gantry_containers" "shop" {
  labels = { "com.docker.compose.project" = "shop" }
  status = ["running"]
}

output "names" {
  value = keys(data.gantry_containers.shop.containers)
}
