resource "gantry_network" "front" {
  name = "front"
}

resource "gantry_network" "back" {
  name     = "back"
  internal = true
  options  = { "com.docker.network.bridge.name" = "br-back" }
  labels   = { "com.example.tier" = "back" }

  # What is left out the engine chooses; "subnets" shows what is in effect.
  ipam = {
    config = [{
      subnet        = "10.20.0.0/16"
      ip_range      = "10.20.4.0/22"
      aux_addresses = { router = "10.20.0.2" }
    }]
  }
}

# By its name, the container keeps its connection when the network is replaced.
resource "gantry_container" "web" {
  name     = "web"
  image    = "ghcr.io/acme/shop:1.4"
  networks = { front = { network = gantry_network.front.name } }
}
