output "bytes" {
  value = provider::gantry::parse_size("1.5g") # 1610612736
}
