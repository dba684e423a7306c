"""Public names and the endpoints that answer them."""

from collections.abc import Sequence
from dataclasses import dataclass

from trellis_dsl.arguments import fits, typed
from trellis_dsl.config import Config
from trellis_dsl.declaration import Declaration
from trellis_dsl.endpoints import Endpoint, EndpointRef
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller


class Site(Declaration):
    """A declared site; `site` makes one."""

    def __init__(
        self,
        domain: str | Config[str],
        endpoint: Endpoint | EndpointRef,
        *,
        path: str,
        tls: bool,
        aliases: tuple[str, ...] | Config[list[str]],
        handling: "Handling",
        maintenance: bool | Config[bool],
    ) -> None:
        super().__init__()
        self.domain = domain
        self.endpoint = endpoint
        self.path = path
        self.tls = tls
        self.aliases = aliases
        self.handling = handling
        self.maintenance = maintenance


@dataclass(frozen=True)
class Handling:
    """How balancers handle a site's requests.

    Attributes:
        sticky: a visitor's requests go to the same instance as long as it serves.
        timeout: seconds that an instance may be silent before its answer is given up.
        requests_per_second: that one client address may send; 0 is no limit.
        connections: that the site may have under way at once on one balancer; 0 is no limit.
        maintenance: visitors are told to come back later, and instances get nothing.
        resend: a request that only reads, and that an instance left unanswered, goes to another one.
    """

    sticky: bool = False
    timeout: float = 60.0
    requests_per_second: int = 0
    connections: int = 0
    maintenance: bool = False
    resend: bool = False


AS_USUAL = Handling()


@typed(leaving=("endpoint", "aliases"))
def site(  # noqa: PLR0913 - a site's options, each by its name
    name: str | Config[str],
    endpoint: Endpoint | EndpointRef,
    *,
    path: str = "/",
    tls: bool = True,
    aliases: Sequence[str] | Config[list[str]] = (),
    sticky: bool = False,
    timeout: float = 60.0,
    requests_per_second: int = 0,
    connections: int = 0,
    maintenance: bool | Config[bool] = False,
    resend: bool = False,
) -> Site:
    """Declare a public name that this service answers.

    Args:
        name: a host name such as ``www.shop.example``, or a config value of the same class that holds it.
        endpoint: an endpoint of the same class, or of a class that it is made from, such as ``Page.http``.
        path: only requests below this path; several services can share a name.
        tls: whether the site is served over TLS, and plain HTTP only leads there; False is plain HTTP alone.
        aliases: more names that are answered in the same way, and stand in the same certificate.
        sticky: a visitor's requests go to the same instance as long as it serves, by a cookie.
        timeout: seconds that an instance may be silent before its answer is given up.
        requests_per_second: that one client address may send; more are answered with 429. 0 is no limit.
        connections: that the site may have under way at once on one balancer; more are answered with 429. 0 is none.
        maintenance: visitors are told to come back later; a config value of the class lets an environment say so.
        resend: a request that only reads (GET, HEAD, OPTIONS), and that an instance took and left unanswered because it
            crashed, is sent to another one; for this each request is kept, which costs a proxy a quarter more of its
            processor's time. What could not be sent in the first place goes to another instance in any case.

    Raises:
        StackError: the endpoint is not one, or the path does not start with ``/``.
    """
    if not isinstance(endpoint, Endpoint | EndpointRef):
        raise StackError(
            f"site needs an endpoint of its own class, not a {type(endpoint).__name__}",
            where=caller(),
            hint="declare http = listens(8080) above it and pass http",
        )
    if not path.startswith("/"):
        raise StackError(f"site path {path!r} does not start with /", where=caller())
    if isinstance(aliases, str) or not fits(aliases, Sequence[str] | Config):
        hint = f"write aliases=[{aliases!r}]" if isinstance(aliases, str) else None
        raise StackError("aliases is a list of names", where=caller(), hint=hint)
    if timeout <= 0 or requests_per_second < 0 or connections < 0:
        raise StackError("a site's timeout is above 0 s, and its limits are 0 or more", where=caller())
    more = aliases if isinstance(aliases, Config) else tuple(aliases)
    said = isinstance(maintenance, bool) and maintenance
    handling = Handling(sticky, timeout, requests_per_second, connections, said, resend)
    return Site(name, endpoint, path=path, tls=tls, aliases=more, handling=handling, maintenance=maintenance)
