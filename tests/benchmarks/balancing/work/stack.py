"""Sites behind two proxies: one that answers as fast as it can, for figures, and one whose visitors are counted."""

from trellis import Role, Rollout, Service, Stack, exactly, listens, one_per_host, runs, site, static_file
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="shop/haproxy:2.6")
class Fast(Service):
    """Answers a fixed page."""

    http = listens(8080)
    answers = static_file("/etc/haproxy/haproxy.cfg", "answers.cfg")
    plain = site("plain.bench.test", http, tls=False)
    secure = site("secure.bench.test", http)


@stack.service(image="trellis-test/web:1", relocatable=True, rollout=Rollout(drain=4))
class Website(Service):
    """Answers quickly, slowly and over websockets."""

    http = listens(8080, health="/healthz")
    public = site("site.bench.test", http)

    def env(self) -> dict[str, str]:
        """Which one it is."""
        return {"INSTANCE": self.name}


@stack.role
class Edge(Role):
    """Hosts with proxies."""

    proxy = runs(HAProxy, one_per_host)


@stack.role
class Web(Role):
    """Hosts with services."""

    fast = runs(Fast, one_per_host)


@stack.role
class Visited(Role):
    """Hosts with the site that is operated on."""

    website = runs(Website, exactly(2))
