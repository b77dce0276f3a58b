resource "gantry_container" "web" {
  name        = "web"
  image       = "ghcr.io/acme/shop:1.4"
  environment = provider::gantry::parse_env_file(file("${path.module}/app.env"))
}
