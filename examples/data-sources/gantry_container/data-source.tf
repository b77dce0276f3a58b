data "gantry_container" "proxy" {
  name = "reverse-proxy"
}

output "proxy_address" {
  value = data.gantry_container.proxy.addresses["bridge"]
}
