data "gantry_engines" "all" {}

output "away" {
  value = { for key, engine in data.gantry_engines.all.engines : key => engine.error if engine.reachable == false }
}
