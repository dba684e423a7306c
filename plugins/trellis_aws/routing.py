"""What the load balancer of a placed stack serves, and from where; pure."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from trellis.deployment import DeployedSite, Deployment
from trellis.errors import ConfigError, StackError
from trellis_aws.model import Balancer, Front, Group, Rule, Target
from trellis_aws.names import balancer_name, group_name
from trellis_aws.settings import Settings

_VALUES_IN_A_RULE = 5
_PATH = re.compile(r"/[A-Za-z0-9_.$/~:@+-]*")
_DOMAIN = re.compile(r"[a-z0-9*]([a-z0-9.*-]*[a-z0-9])?")
_LONGEST_IDLE = 4000
_LONGEST_DRAIN = 3600


def balancer_for(deployment: Deployment, settings: Settings) -> Balancer:
    """The load balancer that serves the stack's sites.

    Raises:
        StackError: the stack asks for what AWS's load balancer cannot do.
    """
    for site in deployment.sites:
        _refuse(site, deployment)
    _refuse_endpoints(deployment)
    return Balancer(
        name=balancer_name(deployment.stack, deployment.environment),
        scheme=settings.scheme,
        subnets=settings.subnets,
        security_groups=settings.security_groups,
        idle_timeout=max((round(site.handling.timeout) for site in deployment.sites), default=60) or 1,
        certificate=settings.certificate if any(site.tls for site in deployment.sites) else "",
        fronts=tuple(_fronts(deployment, settings)),
        groups=tuple(sorted(_group(site, deployment) for site in deployment.sites)),
    )


def _fronts(deployment: Deployment, settings: Settings) -> Iterator[Front]:
    secure = [site for site in deployment.sites if site.tls]
    plain = [site for site in deployment.sites if not site.tls]
    names = sorted({name for site in secure for name in _names(site)})
    leading = tuple(Rule(part, (), "redirect") for part in _parts(names, _VALUES_IN_A_RULE))
    yield Front(settings.http_port, tls=False, rules=(*_rules(plain, deployment), *leading))
    if secure:
        yield Front(settings.https_port, tls=True, rules=tuple(_rules(secure, deployment)))


def _rules(sites: Iterable[DeployedSite], deployment: Deployment) -> Iterator[Rule]:
    """The longest path first, as the first rule that fits decides."""
    for site in sorted(sites, key=lambda site: (-len(site.path), site.domain, site.name)):
        path = site.path.rstrip("/")
        paths = (path, f"{path}/*") if path else ()
        for hosts in _parts(_names(site), _VALUES_IN_A_RULE - len(paths)):
            if site.handling.maintenance:
                yield Rule(hosts, paths, "later")
            else:
                yield Rule(hosts, paths, "forward", group_name(deployment.stack, deployment.environment, site.name))


def _parts(names: list[str], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), size):
        yield tuple(names[start : start + size])


def _names(site: DeployedSite) -> list[str]:
    return sorted({name.lower() for name in (site.domain, *site.aliases)})


def _group(site: DeployedSite, deployment: Deployment) -> Group:
    drain = deployment.blueprint.service(site.service).update.drain
    return Group(
        name=group_name(deployment.stack, deployment.environment, site.name),
        site=site.name,
        health_path=site.health_path,
        sticky=site.handling.sticky,
        drain=min(round(drain), _LONGEST_DRAIN),
        targets=tuple(
            sorted(Target(_address(answers.address, name), answers.port, name) for name, answers in site.servers)
        ),
    )


def _address(text: str, instance: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ConfigError(
            f"{instance} answers at {text}, and AWS sends traffic to IPv4 addresses alone",
            where="balancer",
            hint="give its host an address: in the environment's file",
        ) from None


def _refuse(site: DeployedSite, deployment: Deployment) -> None:
    where, how = deployment.blueprint.service(site.service).location, site.handling
    if how.requests_per_second or how.connections:
        raise StackError(
            f"{site.name} limits its visitors, which AWS's load balancer cannot",
            where=where,
            hint="leave requests_per_second and connections out, or have HAProxy balance this environment",
        )
    if not _PATH.fullmatch(site.path):
        raise StackError(f"AWS's load balancer cannot tell the path {site.path!r} exactly", where=where)
    if not 1 <= how.timeout <= _LONGEST_IDLE:
        raise StackError(
            f"{site.name} waits {how.timeout:g} s; AWS's load balancer 1 to {_LONGEST_IDLE} s", where=where
        )
    for name in _names(site):
        if not _DOMAIN.fullmatch(name):
            raise StackError(f"{name!r} is not a name that AWS's load balancer can serve", where=where)


def _refuse_endpoints(deployment: Deployment) -> None:
    for service in deployment.blueprint.services:
        for endpoint in service.endpoints:
            if endpoint.balanced:
                raise StackError(
                    f"{service.name}.{endpoint.name} is balanced over TCP, which the balancer aws does not do",
                    where=service.location,
                    hint="leave balanced out, so that clients are told the instances; or have HAProxy balance here",
                )
