import {
  to = gantry_volume.data
  id = "shop-data" # Or engine/name.
}
