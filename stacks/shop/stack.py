"""The shop: a website, its database, and the proxy in front."""

from trellis import (
    Role,
    Service,
    Stack,
    Storage,
    connects_to,
    default,
    exactly,
    listens,
    mounts,
    one_per_host,
    one_per_role,
    runs,
    secret,
    site,
    uses,
)
from trellis_haproxy import HAProxy

shop = Stack("shop")


@shop.service(image="shop/mariadb:10.11", memory="512 MiB")
class MariaDB(Service):
    """Keeps the visits."""

    root_password = secret("password of the MariaDB root account")
    sql = listens(3306)
    data = mounts("/var/lib/mysql")

    def env(self) -> dict[str, str]:
        """What the image asks for."""
        return {"MARIADB_ROOT_PASSWORD": self.root_password.reveal()}


@shop.service(image="shop/website:7.1", memory="128 MiB", relocatable=True)
class Website(Service):
    """Counts its visits."""

    domain = default("shop.localhost", "public name of the shop")
    workers = default(4, "threads per container")
    db_password = uses(MariaDB.root_password)
    database = connects_to(MariaDB.sql)
    http = listens(8080, health="/healthz")
    public = site(domain, http, tls=False)

    def env(self) -> dict[str, str]:
        """Where the database is, as placed."""
        return {
            "DB": f"{self.database.host}:{self.database.port}",
            "DB_PASSWORD": self.db_password.reveal(),
            "WORKERS": str(self.workers),
            "INSTANCE": self.name,
        }


@shop.service()
class Proxy(HAProxy):
    """Answers the public."""

    http = listens(8088, public=True)


@shop.role
class Database(Role):
    """Storage is active on one host, and MariaDB runs there."""

    data = Storage("1 GiB", active=1)
    mariadb = runs(MariaDB, one_per_role, data=data)


@shop.role
class Web(Role):
    """Hosts that answer the public."""

    proxy = runs(Proxy, one_per_host)
    website = runs(Website, exactly(3))
