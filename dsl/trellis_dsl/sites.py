"""Public names and the endpoints that answer them."""

from collections.abc import Sequence

from trellis_dsl.config import Config
from trellis_dsl.declaration import Declaration
from trellis_dsl.endpoints import Endpoint
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller


class Site(Declaration):
    """A declared site; `site` makes one."""

    def __init__(
        self,
        domain: str | Config[str],
        endpoint: Endpoint,
        *,
        path: str,
        tls: bool,
        aliases: tuple[str, ...] | Config[list[str]],
    ) -> None:
        super().__init__()
        self.domain = domain
        self.endpoint = endpoint
        self.path = path
        self.tls = tls
        self.aliases = aliases


def site(
    name: str | Config[str],
    endpoint: Endpoint,
    *,
    path: str = "/",
    tls: bool = True,
    aliases: Sequence[str] | Config[list[str]] = (),
) -> Site:
    """Declare a public name that this service answers.

    Args:
        name: a host name such as ``www.shop.example``, or a config value of the same class that holds it.
        endpoint: an endpoint of the same class.
        path: only requests below this path; several services can share a name.
        tls: whether the site is served over TLS, and plain HTTP only leads there; False is plain HTTP alone.
        aliases: more names that are answered in the same way, and stand in the same certificate.

    Raises:
        StackError: the endpoint is not one, or the path does not start with ``/``.
    """
    if not isinstance(endpoint, Endpoint):
        raise StackError(
            f"site needs an endpoint of its own class, not a {type(endpoint).__name__}",
            where=caller(),
            hint="declare http = listens(8080) above it and pass http",
        )
    if not path.startswith("/"):
        raise StackError(f"site path {path!r} does not start with /", where=caller())
    if isinstance(aliases, str):
        raise StackError("aliases is a list of names", where=caller(), hint=f"write aliases=[{aliases!r}]")
    more = aliases if isinstance(aliases, Config) else tuple(aliases)
    return Site(name, endpoint, path=path, tls=tls, aliases=more)
