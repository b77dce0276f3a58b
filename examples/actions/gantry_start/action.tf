# A job that is run by hand: terraform apply -invoke=action.gantry_start.report
action "gantry_start" "report" {
  config {
    container = gantry_container.report.name
    wait_for  = "completed"
    timeouts  = { invoke = "20m" }
  }
}

resource "gantry_container" "report" {
  name          = "report"
  image         = "ghcr.io/acme/report:2.0"
  desired_state = "completed"
}
