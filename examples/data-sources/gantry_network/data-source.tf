data "gantry_network" "shared" {
  name = "shared"
}

output "subnet" {
  value = data.gantry_network.shared.subnets[0].subnet
}
