"""What is to be done about a load balancer, and why; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis_aws.model import Balancer, Front, Group, Target, balancer_of, without_names

_UNFINISHED = "an earlier run did not finish"
_MOST = 5


def decide(desired: Resource | None, actual: Actual | None) -> Decision:
    """What is to be done about one load balancer."""
    if desired is None:
        return Decision(Verb.REMOVE, "no longer declared")
    wanted = balancer_of(desired.spec)
    found = found_in(actual) if actual else None
    if actual is None or found is None:
        reason = _UNFINISHED if actual else f"a new load balancer for {_listed(_sites(wanted))}"
        return Decision(Verb.CREATE, reason, (Change("balancer", None, desired.spec),))
    reasons = list(differences(found, wanted))
    change = (Change("balancer", found.as_spec(), without_names(wanted).as_spec()),)
    if found.scheme != wanted.scheme:
        return Decision(Verb.REPLACE, f"{reasons[0]}: made anew, with another DNS name", change)
    if actual.state["unfinished"]:
        return Decision(Verb.UPDATE, "; ".join([_UNFINISHED, *reasons]), change)
    if not reasons:
        return Decision(Verb.KEEP, f"already equal, at {actual.state['dns']}")
    by_hand = actual.state["digest"] == wanted.digest
    said = "; ".join(reasons)
    return Decision(Verb.UPDATE, f"changed by hand, restored: {said}" if by_hand else said, change, drift=by_hand)


def drift(actual: Actual) -> str:
    """How the load balancer is not as it was last left; empty when it is."""
    found = found_in(actual)
    if found is None or actual.state["unfinished"] or actual.state["digest"] == found.digest:
        return ""
    return "changed by hand"


def found_in(actual: Actual) -> Balancer | None:
    """The load balancer that was found; None where only parts of one are left."""
    balancer: Any = actual.state["balancer"]
    return balancer_of(balancer) if balancer else None


def differences(found: Balancer, wanted: Balancer) -> Iterator[str]:
    """Why the one is not as the other."""
    for what in ("scheme", "subnets", "security_groups", "idle_timeout", "certificate"):
        before, after = getattr(found, what), getattr(wanted, what)
        if before != after:
            yield f"{what.replace('_', ' ')} {_text(before)} → {_text(after)}"
    yield from _fronts({one.port: one for one in found.fronts}, {one.port: one for one in wanted.fronts})
    yield from _groups({one.name: one for one in found.groups}, {one.name: one for one in wanted.groups})


def _fronts(found: Mapping[int, Front], wanted: Mapping[int, Front]) -> Iterator[str]:
    for port in sorted(found.keys() | wanted.keys()):
        before, after = found.get(port), wanted.get(port)
        if before is None or after is None:
            yield f"port {port} {'opened' if after else 'closed'}"
        elif (before.tls, before.rest) != (after.tls, after.rest):
            yield f"port {port} changed"
        else:
            yield from _rules(before, after)


def _rules(found: Front, wanted: Front) -> Iterator[str]:
    more = [f"{rule}" for rule in found.rules if rule not in wanted.rules]
    less = [f"{rule}" for rule in wanted.rules if rule not in found.rules]
    changed = [name for name in less if name in more]
    for names, what in (
        ([name for name in less if name not in changed], "added"),
        ([name for name in more if name not in changed], "removed"),
        (changed, "changed"),
    ):
        if names:
            yield f"rule for {_listed(names)} at port {wanted.port} {what}"
    if not more and not less and found.rules != wanted.rules:
        yield f"order of the rules at port {wanted.port}"


def _groups(found: Mapping[str, Group], wanted: Mapping[str, Group]) -> Iterator[str]:
    yield from (f"site {wanted[name].site} added" for name in wanted if name not in found)
    yield from (f"site {found[name].site} removed" for name in found if name not in wanted)
    for name in (name for name in wanted if name in found):
        before, after = found[name], wanted[name]
        for what in ("health_path", "sticky", "drain"):
            if getattr(before, what) != getattr(after, what):
                yield f"{what.replace('_', ' ')} of {after.site} changed"
        yield from _targets({_at(one) for one in before.targets}, {_at(one): one.name for one in after.targets})


def _at(target: Target) -> str:
    return f"{target.address}:{target.port}"


def _targets(found: Iterable[str], wanted: Mapping[str, str]) -> Iterator[str]:
    if new := [wanted[at] or at for at in wanted if at not in set(found)]:
        yield f"{_listed(new)} added"
    if old := sorted(at for at in found if at not in wanted):
        yield f"{_listed(old)} removed"


def _sites(wanted: Balancer) -> list[str]:
    return [str(rule) for front in wanted.fronts for rule in front.rules if rule.does != "redirect"]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "Trellis's own"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_MOST]) + (f" and {len(every) - _MOST} more" if len(every) > _MOST else "")
