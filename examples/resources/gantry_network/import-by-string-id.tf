import {
  to = gantry_network.front
  id = "front" # Or the ID, its first 12 digits, or engine/name.
}
