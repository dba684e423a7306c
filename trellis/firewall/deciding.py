"""What is to be done about a host's firewall, and why; pure."""

from collections.abc import Mapping
from typing import Any

from trellis.firewall.facts import Found
from trellis.firewall.merging import differences, same, summary, union
from trellis.firewall.model import Ruleset, ruleset_of
from trellis.firewall.resources import OPENING
from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis.values import Value

_EQUAL = Decision(Verb.KEEP, "already equal")


def decide(desired: Resource | None, actual: Actual | None) -> Decision:
    """What is to be done before containers change (the opening kind), or after it (the closing kind)."""
    known = desired or actual
    opening = known is not None and known.key.kind == OPENING
    if desired is None:
        return Decision(Verb.REMOVE, "nothing to guard any more") if opening else Decision(Verb.KEEP, "goes as a whole")
    wanted = rules_in(desired.spec)
    found = Found.of(actual) if actual is not None else None
    return _opening(wanted, desired, found) if opening else _closing(wanted, found)


def rules_in(spec: Mapping[str, Value]) -> Ruleset:
    """The ruleset of a resource."""
    rules: Any = spec["rules"]
    return ruleset_of(rules)


def opened(wanted: Ruleset, found: Found | None) -> Ruleset:
    """What is loaded before containers change."""
    return wanted if found is None or found.rules is None else union(found.rules, wanted)


def _opening(wanted: Ruleset, desired: Resource, found: Found | None) -> Decision:
    if found is None or found.rules is None:
        reason = summary(differences(Ruleset(ssh_ports=wanted.ssh_ports), wanted)) if found is None else _UNFINISHED
        return Decision(Verb.CREATE, reason, _changes(None, wanted))
    merged = opened(wanted, found)
    if found.provider != desired.spec["provider"]:
        reason = f"provider {found.provider} → {desired.spec['provider']}"
        return Decision(Verb.UPDATE, reason, _changes(found.rules, merged))
    if repair := _repair(found):
        return repair
    if same(merged, found.rules):
        return _EQUAL
    return Decision(Verb.UPDATE, summary(differences(found.rules, merged)), _changes(found.rules, merged))


_UNFINISHED = "an earlier run did not finish"


def _repair(found: Found) -> Decision | None:
    """What only puts back what is there already by our record."""
    if found.unfinished:
        return Decision(Verb.UPDATE, _UNFINISHED)
    if not found.loaded:
        return Decision(Verb.UPDATE, "removed by hand, restored", drift=True)
    if not found.equal:
        return Decision(Verb.UPDATE, "changed by hand, restored", drift=True)
    if not found.boots:
        return Decision(Verb.UPDATE, "would not come back after a reboot", drift=True)
    return None


def _closing(wanted: Ruleset, found: Found | None) -> Decision:
    if found is None or found.rules is None:
        return Decision(Verb.KEEP, "nothing to close")
    merged = union(found.rules, wanted)
    if same(merged, wanted):
        return _EQUAL
    return Decision(Verb.UPDATE, summary(differences(merged, wanted)), _changes(merged, wanted))


def _changes(before: Ruleset | None, after: Ruleset) -> tuple[Change, ...]:
    return (Change("rules", _text(before) if before else None, _text(after)),)


def _text(rules: Ruleset) -> str:
    """The rules as lines, for ``--diff``."""
    lines = [
        f"{guard.protocol} {guard.port} {guard.serves} from {network}: {allowed.why}"
        for guard in rules.guards
        for allowed in guard.allowed
        for network in (*allowed.networks, *allowed.containers)
    ]
    lines += [
        f"{container} to {address} {one.protocol} {port}: {one.why}"
        for one in rules.exits
        for address, port in one.ends
        for container in one.containers or ("no container",)
    ]
    lines += [
        f"{limit.instance} to {network} {target.protocol} {target.port}: {target.why}"
        for limit in rules.limits
        for target in limit.allowed
        for network in target.networks
    ]
    return "".join(f"{line}\n" for line in [*lines, *(["everything else is closed"] if rules.exclusive else [])])
