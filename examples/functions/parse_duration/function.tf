output "seconds" {
  value = provider::gantry::parse_duration("1m30s") # 90
}
