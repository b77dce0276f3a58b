import {
  to = gantry_container.web
  id = "shop-web"
}
