output "url" {
  description = "Where the web server answers, seen from the engine's host."
  value       = "http://localhost:${gantry_container.web.published_ports["8080/tcp"]}/"
}

output "web_container_id" {
  description = "It stays the same when memory or restart change."
  value       = gantry_container.web.container_id
}

output "migrate_exit_code" {
  value = gantry_container.migrate.exit_code
}
