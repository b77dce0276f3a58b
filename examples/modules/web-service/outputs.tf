output "container_id" {
  description = "The container's ID."
  value       = gantry_container.this.container_id
}

output "operation_id" {
  description = "The last operation on the container, for a barrier."
  value       = gantry_container.this.operation_id
}

output "health" {
  description = "What the health check says."
  value       = gantry_container.this.health
}

output "port" {
  description = "The port of the host that leads to the service."
  value       = one(values(gantry_container.this.published_ports))
}
