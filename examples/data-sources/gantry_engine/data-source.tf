data "gantry_engine" "here" {}

output "engine" {
  value = "${data.gantry_engine.here.name} has Docker ${data.gantry_engine.here.version} and ${data.gantry_engine.here.cpus} CPUs"
}
