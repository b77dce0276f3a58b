# A database with its data in a volume. The apply goes on when it accepts connections. The network
# exists already, made with `docker network create shop`.
resource "gantry_container" "database" {
  name  = "shop-database"
  image = "docker.io/library/postgres:17"

  environment = {
    POSTGRES_DB       = "shop"
    POSTGRES_USER     = "shop"
    POSTGRES_PASSWORD = var.database_password
  }

  mounts = {
    "/var/lib/postgresql/data" = {
      type   = "volume"
      source = "shop-database"
    }
  }

  networks = {
    back = { network = "shop" }
  }

  healthcheck = {
    test         = ["CMD", "pg_isready", "--username=shop"]
    interval     = "2s"
    start_period = "30s"
  }

  memory            = "512m"
  restart           = "unless-stopped"
  stop_grace_period = "30s"
}

# A job: it runs once, and what depends on it waits for its success.
resource "gantry_container" "migrate" {
  name          = "shop-migrate"
  image         = "ghcr.io/acme/shop:1.4"
  command       = ["migrate", "--up"]
  desired_state = "completed"

  environment = {
    DATABASE_URL = "postgres://shop:${var.database_password}@shop-database/shop"
  }

  networks = {
    back = { network = "shop" }
  }

  timeouts = {
    create = "10m"
  }

  depends_on = [gantry_container.database]
}

# The web server. Memory, CPUs, restart policy, networks and the name change in place.
resource "gantry_container" "web" {
  name  = "shop-web"
  image = "ghcr.io/acme/shop:1.4"

  environment = {
    DATABASE_URL = "postgres://shop:${var.database_password}@shop-database/shop"
  }

  ports = [
    { target = 8080, published = "80" },
    # Without `published` the engine chooses a free port; it is in `published_ports`.
    { target = 9090, host_ip = "127.0.0.1" },
  ]

  mounts = {
    "/etc/shop" = { type = "bind", source = "/srv/shop/config", read_only = true }
    "/tmp"      = { type = "tmpfs" }
  }

  networks = {
    front = { network = "proxy" }
    back  = { network = "shop" }
  }

  memory  = "256m"
  cpus    = 0.5
  restart = "always"

  depends_on = [gantry_container.migrate]
}

output "metrics_port" {
  value = gantry_container.web.published_ports["9090/tcp"]
}

variable "database_password" {
  type      = string
  sensitive = true
}
