"""Three sites behind two balancers, and a database that the sites reach through the balancers, too.

A fourth site is one more class like `Blog`, a line in `Web`, and `trellis up`.
"""

from trellis import (
    Role,
    Rollout,
    Service,
    Stack,
    Storage,
    balanced,
    connects_to,
    default,
    listens,
    mounts,
    one_per_host,
    one_per_role,
    runs,
    secret,
    service,
    site,
)
from trellis_haproxy import HAProxy

sites = Stack("sites")


@sites.service(image="shop/mariadb:10.11", memory="512 MiB")
class MariaDB(Service):
    """Keeps the visits of all sites."""

    root_password = secret("password of the MariaDB root account")
    sql = listens(3306, balanced=balanced(one_active=True))
    data = mounts("/var/lib/mysql")

    def env(self) -> dict[str, str]:
        """What the image asks for."""
        return {"MARIADB_ROOT_PASSWORD": self.root_password.reveal()}


@service(image="shop/website:7.1", memory="128 MiB", relocatable=True, rollout=Rollout(start_first=True))
class Page(Service):
    """What the sites have in common."""

    db_password = secret("password with which the site opens the database")
    database = connects_to(MariaDB.sql)
    http = listens(8080, health="/healthz")

    def env(self) -> dict[str, str]:
        """Where the nearest balancer offers the database."""
        return {
            "DB": f"{self.database.host}:{self.database.port}",
            "DB_PASSWORD": self.db_password.reveal(),
            "INSTANCE": self.name,
        }


@sites.service()
class Shop(Page):
    """The shop keeps a visitor at one instance."""

    public = site("shop.sites.test", Page.http, sticky=True)


@sites.service()
class Blog(Page):
    """The blog, which an environment may put into maintenance."""

    maintenance = default(False, "visitors are told to come back later")
    public = site("blog.sites.test", Page.http, maintenance=maintenance)


@sites.service()
class Docs(Page):
    """The documentation, over plain HTTP, with a limit on what one visitor may ask for."""

    public = site("docs.sites.test", Page.http, tls=False, requests_per_second=50)


@sites.service()
class Edge(HAProxy):
    """Takes visitors in; those of its own datacenter first."""

    near = default("datacenter", "host label whose value balancers and their instances share")


@sites.role
class Balancers(Role):
    """Hosts that the public reaches."""

    edge = runs(Edge, one_per_host)


@sites.role
class Web(Role):
    """Hosts that run the sites."""

    shop = runs(Shop, one_per_host)
    blog = runs(Blog, one_per_host)
    docs = runs(Docs, one_per_host)


@sites.role
class Database(Role):
    """Storage is active on one host, and MariaDB runs there."""

    data = Storage("1 GiB", active=1)
    mariadb = runs(MariaDB, one_per_role, data=data)
