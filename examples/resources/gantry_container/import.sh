# By name, by ID (also a short one), or by engine and name.
terraform import gantry_container.web shop-web
terraform import gantry_container.web 4c01db0b339c
terraform import gantry_container.web edge1/shop-web
