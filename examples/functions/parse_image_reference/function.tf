output "registry" {
  value = provider::gantry::parse_image_reference("nginx").registry # "docker.io"
}
