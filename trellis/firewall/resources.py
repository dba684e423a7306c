"""The firewall's resources of a placed stack, and what cannot be kept and why; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trellis.errors import ConfigError
from trellis.firewall.backends import Backend
from trellis.firewall.desiring import rulesets
from trellis.firewall.ground import Ground
from trellis.firewall.model import Ruleset
from trellis.firewall.settings import NO_PROVIDER
from trellis.hosts import HostFacts
from trellis.resources import Resource, ResourceKey
from trellis.values import Value

OPENING = "firewall"
"""The kind that is right before containers change: it lets through what was and what will be."""

CLOSING = "firewall-closing"
"""The kind that is right after containers changed: it lets through what is."""

_PREFERRED = ("nftables", "iptables")


@dataclass(frozen=True, slots=True)
class Walls:
    """What the firewall comes to.

    Attributes:
        ground: what they were made from.
        rules: each host that answered to its ruleset.
        resources: those that are kept on hosts.
        warnings: a sentence for each host whose rules cannot be kept.
    """

    ground: Ground
    rules: Mapping[str, Ruleset]
    resources: tuple[Resource, ...] = ()
    warnings: tuple[str, ...] = ()


def walls(ground: Ground, backends: Mapping[str, Backend]) -> Walls:
    """Every host's ruleset, as resources where something is to be kept.

    Raises:
        ConfigError: the environment names a provider that there is not.
    """
    _check_provider(ground, backends)
    rules = rulesets(ground)
    if ground.settings.provider == NO_PROVIDER:
        return Walls(ground, rules)
    resources: list[Resource] = []
    warnings: list[str] = []
    for host, ruleset in rules.items():
        if ruleset.needed:
            facts = ground.deployment.facts[host]
            if problem := _problem(facts, ground.settings.provider, backends):
                warnings.append(f"the firewall of {host} is not kept: {problem}; {_open_ports(ruleset)}")
            else:
                resources += _resources(host, ruleset, _chosen(facts, ground.settings.provider, backends), ground)
    return Walls(ground, rules, tuple(resources), tuple(warnings))


def name_of(stack: str, environment: str) -> str:
    """``shop-prod``: what the rules of a stack in an environment are called on hosts."""
    return f"{stack}-{environment}"


def _check_provider(ground: Ground, backends: Mapping[str, Backend]) -> None:
    named = ground.settings.provider
    if named and named != NO_PROVIDER and named not in backends:
        raise ConfigError(
            f"there is no firewall provider {named}",
            where=f"environments/{ground.deployment.environment}.yaml: firewall.provider",
            hint=f"use one of {', '.join([*sorted(backends), NO_PROVIDER])}",
        )


def _tools(facts: HostFacts) -> list[str]:
    return facts.extra.get("firewall_tools", "").split()


def _chosen(facts: HostFacts, named: str, backends: Mapping[str, Backend]) -> str:
    """The named provider, else the first that the host has the program for; empty when there is none."""
    order = [named] if named else [*_PREFERRED, *sorted(backends.keys() - set(_PREFERRED))]
    return next((name for name in order if name in backends and backends[name].tool in _tools(facts)), "")


def _problem(facts: HostFacts, named: str, backends: Mapping[str, Backend]) -> str:
    """Why no rules can be kept there; empty when they can."""
    if facts.account.endswith(" plain"):
        return "its account is neither root nor allowed to use sudo"
    if not _chosen(facts, named, backends):
        wanted = [backends[named].tool] if named else sorted(backend.tool for backend in backends.values())
        return f"it has no {' and no '.join(wanted)}"
    return ""


def _open_ports(ruleset: Ruleset) -> str:
    ports = [f"{guard.protocol} {guard.port} ({guard.serves})" for guard in ruleset.guards if not guard.public]
    if not ports:
        return "nothing is limited there"
    return f"whoever reaches it reaches {', '.join(ports)}"


def _resources(host: str, ruleset: Ruleset, provider: str, ground: Ground) -> list[Resource]:
    name = name_of(ground.deployment.stack, ground.deployment.environment)
    # Frozen already: many hosts share the same long list of peers, and it is not to be walked for each of them.
    spec: Mapping[str, Value] = MappingProxyType({"provider": provider, "rules": ruleset.spec()})
    opening, closing = (ResourceKey(kind, name, host) for kind in (OPENING, CLOSING))
    return [Resource(opening, spec), Resource(closing, spec, requires=(opening,))]
