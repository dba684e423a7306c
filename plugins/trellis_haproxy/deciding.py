"""What is to be done about a proxy's configuration, and why; pure."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis_haproxy.facts import FoundConfig
from trellis_haproxy.model import ProxyConfig, Server, SiteRoute
from trellis_haproxy.servers import lines_of

_MOST_NAMES = 5
_UNFINISHED = "an earlier run did not finish"


def decide(desired: Resource | None, actual: Actual | None) -> Decision:
    """What is to be done about one proxy's configuration."""
    if desired is None:
        return Decision(Verb.REMOVE, "no longer declared")
    wanted = ProxyConfig.of(desired.spec)
    if actual is None:
        return Decision(Verb.CREATE, _serves(wanted), (Change("config", None, wanted.config),))
    return _decide_present(wanted, FoundConfig.of(actual))


def drift(actual: Actual) -> str:
    """How the configuration is not as it was last written; empty when it is."""
    found = FoundConfig.of(actual)
    if found.unfinished or found.last is None:
        return ""
    if found.config is None:
        return "removed by hand"
    if found.by_hand:
        return "changed by hand"
    if found.loaded not in {"", found.last.digest}:
        return "not loaded by the running HAProxy"
    return f"{_listed(found.astray)}: changed in the running HAProxy" if found.astray else ""


def _decide_present(wanted: ProxyConfig, found: FoundConfig) -> Decision:
    if found.config != wanted.config:
        return _decide_text(wanted, found)
    if found.loaded not in {"", wanted.digest}:
        return Decision(Verb.UPDATE, "not loaded by the running HAProxy yet", drift=not found.unfinished)
    if found.unfinished:
        return Decision(Verb.UPDATE, _UNFINISHED)
    if reason := _existing(wanted, found):
        return Decision(Verb.UPDATE, reason)
    if found.astray:
        reason = f"{_listed(found.astray)}: not as the running HAProxy has it"
        return Decision(Verb.UPDATE, reason, drift=True)
    return Decision(Verb.KEEP, "already equal")


def _existing(wanted: ProxyConfig, found: FoundConfig) -> str:
    """Why the operator's own configuration is to be taken anew; empty when it is not."""
    if found.last and found.last.existing != wanted.existing:
        return _differences(found.last, wanted)
    changed = wanted.existing and found.existing in {"changed", "missing"}
    return f"the operator's own {wanted.existing} is {found.existing}" if changed else ""


def _decide_text(wanted: ProxyConfig, found: FoundConfig) -> Decision:
    change = (Change("config", found.config, wanted.config),)
    if found.config is None:
        reason = _UNFINISHED if found.unfinished else "removed by hand, restored"
        return Decision(Verb.CREATE, reason, change, drift=not found.unfinished)
    if found.by_hand:
        return Decision(Verb.UPDATE, "changed by hand, restored", change, drift=True)
    reason = _left_behind(found.config, wanted) if found.last and found.last.config == wanted.config else ""
    return Decision(Verb.UPDATE, reason or _differences(found.last, wanted), change)


def _left_behind(config: str, wanted: ProxyConfig) -> str:
    """What an update that was broken off left out, or had taken in already."""
    before, after = lines_of(config), lines_of(wanted.config)
    names = sorted({place.instance for place in before.keys() | after.keys() if before.get(place) != after.get(place)})
    return f"{_listed(names)}: an earlier run did not finish" if names else ""


def _serves(wanted: ProxyConfig) -> str:
    if not wanted.sites:
        return "new config, without sites"
    return f"new config for {_counted(len(wanted.sites), 'site')}: {_listed(map(str, wanted.sites))}"


def _differences(last: ProxyConfig | None, wanted: ProxyConfig) -> str:
    reasons = list(_reasons(last, wanted)) if last else []
    return "; ".join(reasons) or "settings changed"


def _reasons(last: ProxyConfig, wanted: ProxyConfig) -> Iterator[str]:
    before, after = ({(site.domain, site.path): site for site in side.sites} for side in (last, wanted))
    yield from (f"site {after[key]} added" for key in after if key not in before)
    yield from (f"site {before[key]} removed" for key in before if key not in after)
    kept = [(before[key], after[key]) for key in after if key in before]
    yield from _server_reasons(_servers(old for old, _ in kept), _servers(new for _, new in kept))
    yield from (f"health check of {new} changed" for old, new in kept if old.health_path != new.health_path)
    yield from (f"{new} over TLS" if new.tls else f"{new} over plain HTTP" for old, new in kept if old.tls != new.tls)
    yield from (f"names of {new} changed" for old, new in kept if old.aliases != new.aliases)
    yield from _tcp_reasons(last, wanted)
    yield from (f"handling of {new} changed" for old, new in kept if old.handling != new.handling)
    if last.existing != wanted.existing:
        yield f"the operator's own configuration: {wanted.existing or 'none any more'}"
    if last.ports != wanted.ports:
        yield f"port {_numbers(last.ports)} → {_numbers(wanted.ports)}"
    if last.tls_ports != wanted.tls_ports:
        yield f"TLS port {_numbers(last.tls_ports)} → {_numbers(wanted.tls_ports)}"


def _tcp_reasons(last: ProxyConfig, wanted: ProxyConfig) -> Iterator[str]:
    before, after = ({route.name: route for route in side.tcp} for side in (last, wanted))
    yield from (f"{name} offered at port {after[name].port}" for name in after if name not in before)
    yield from (f"{name} no longer offered" for name in before if name not in after)
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield f"{name} changed"


def _servers(sites: Iterator[SiteRoute]) -> Mapping[str, Server]:
    """By name, as a service with two sites has its servers in both."""
    return {server.name: server for server in chain.from_iterable(site.servers for site in sites)}


def _server_reasons(before: Mapping[str, Server], after: Mapping[str, Server]) -> Iterator[str]:
    for names, what in (
        ([name for name in after if name not in before], "added"),
        ([name for name in before if name not in after], "removed"),
        ([name for name in after if name in before and after[name] != before[name]], "at another address"),
    ):
        if names:
            yield f"{_counted(len(names), 'server')} {what}: {_listed(names)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more


def _numbers(ports: tuple[int, ...]) -> str:
    return ", ".join(str(port) for port in ports) or "none"
