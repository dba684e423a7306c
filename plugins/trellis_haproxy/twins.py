"""Sites that cannot be told apart, or contradict each other; pure."""

from collections.abc import Iterable

from trellis.errors import UsageError
from trellis_haproxy.model import SiteRoute


def refuse_clashes(sites: Iterable[SiteRoute], where: str) -> None:
    """Refuse two sites of one name and path, and a name that is both plain and over TLS.

    Raises:
        UsageError: it names both.
    """
    routes: dict[tuple[str, str], int] = {}
    over_tls: dict[str, SiteRoute] = {}
    for site in sites:
        for name in site.names:
            place = name, site.path.rstrip("/")
            routes[place] = routes.get(place, 0) + 1
            other = over_tls.setdefault(name, site)
            if other.tls != site.tls:
                raise UsageError(
                    f"{name} is plain HTTP for {_plain(other, site)} and TLS for {_secure(other, site)}",
                    where=where,
                    hint="say tls=False at both sites, or at none",
                )
    for (name, path), count in routes.items():
        if count > 1:
            raise UsageError(
                f"{count} sites are {name}{path}",
                where=where,
                hint="give one of them another domain, or a path of its own",
            )


def _plain(one: SiteRoute, other: SiteRoute) -> SiteRoute:
    return other if one.tls else one


def _secure(one: SiteRoute, other: SiteRoute) -> SiteRoute:
    return one if one.tls else other
