"""What is to be done about one resource, and why: pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.errors import PolicyError, TrellisError
from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis.values import FINGERPRINT, Value, fingerprinted, freeze_mapping
from trellis_docker.commands import RESTART_POLICY
from trellis_docker.differences import Difference, differences, limit_text
from trellis_docker.spec import ContainerSpec, container_spec
from trellis_dsl.secret import MASK

EQUAL = Decision(Verb.KEEP, "already equal")


def decide(desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
    """The decision for any of Docker's kinds.

    Raises:
        PolicyError: something that is not Trellis's has the name.
    """
    if actual is not None and actual.foreign:
        return _decide_foreign(desired, actual)
    if desired is None:
        return _decide_unwanted(actual)
    if actual is None:
        return Decision(Verb.CREATE, "not there yet")
    if desired.key.kind == "container":
        return _decide_container(desired, actual, salt)
    copies = actual.state.get("copies", 1)
    return EQUAL if copies == 1 else Decision(Verb.UPDATE, f"is there {copies} times after an interrupted run")


def _decide_foreign(desired: Resource | None, actual: Actual) -> Decision:
    if desired is None:
        return Decision(Verb.KEEP, "not Trellis's; left alone")
    raise foreign_name(actual.key.kind, str(actual.state.get("name", actual.key.name)), actual.key.host)


def foreign_name(kind: str, name: str, host: str, error: type[TrellisError] = PolicyError) -> TrellisError:
    """The refusal to touch what somebody else made."""
    rename = f"docker rename {name} OTHER" if kind == "container" else f"docker {kind} rm {name}"
    return error(
        f"there is a {kind} {name} that Trellis did not make, and it needs that name",
        where=f"host {host}",
        hint=f"if nobody needs it: {rename}",
    )


def _decide_unwanted(actual: Actual | None) -> Decision:
    if actual is not None and actual.key.kind == "image":
        return Decision(Verb.KEEP, "left on the host: others may use it")
    return Decision(Verb.REMOVE, "no longer in the stack")


def _decide_container(desired: Resource, actual: Actual, salt: bytes) -> Decision:
    if not actual.spec.get("name"):
        return Decision(Verb.REPLACE, "what it was made from is not known")
    given = container_spec(actual.spec)
    wanted = container_spec(freeze_mapping(stored(desired.spec, salt)))
    replacing = [*differences(given, wanted), *_beyond_repair(given, wanted, actual.state)]
    if replacing:
        return _decision(Verb.REPLACE, replacing)
    repairs = [*_limits(given, wanted, actual.state), *_condition(wanted, actual.state)]
    return _decision(Verb.UPDATE, repairs) if repairs else _equal(actual.state)


def stored(spec: Mapping[str, Value], salt: bytes) -> Mapping[str, object]:
    """A spec as a container's label keeps it."""
    kept = fingerprinted(spec, salt)
    return kept if isinstance(kept, dict) else {}


def _decision(verb: Verb, found: list[Difference]) -> Decision:
    return Decision(
        verb,
        "; ".join(difference.reason for difference in found),
        tuple(change for one in found for change in _changes(one)),
        drift=all(difference.drift for difference in found),
    )


def _changes(difference: Difference) -> Iterator[Change]:
    """One change for each name where mappings differ, such as each variable of the environment."""
    before, after = difference.before, difference.after
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield Change(difference.path, _shown(before), _shown(after))
        return
    for name in sorted(before.keys() | after.keys()):
        yield Change(f"{difference.path}.{name}", _shown(before.get(name)), _shown(after.get(name)))


def _shown(value: Value) -> Value:
    """Fingerprints say nothing to a reader."""
    return MASK if isinstance(value, str) and value.startswith(FINGERPRINT) else value


def _equal(state: Mapping[str, Value]) -> Decision:
    if state.get("status") == "restarting":
        status = state.get("exit_status")
        return Decision(Verb.KEEP, f"already equal, but it ends again and again with exit status {status}")
    return EQUAL


def _beyond_repair(given: ContainerSpec, wanted: ContainerSpec, state: Mapping[str, Value]) -> Iterator[Difference]:
    """Why a container that was made from the right spec must be made anew nevertheless."""
    if state.get("image_now") and state["image_now"] != state.get("image_id"):
        reason = f"image {wanted.image} was built or pulled anew"
        yield Difference("state.image_id", state.get("image_id"), state["image_now"], reason)
    if state.get("status") in ("dead", "removing"):
        yield Difference("state.status", state["status"], "running", f"is {state['status']}", drift=True)
    if state.get("memory") and not (given.memory or wanted.memory):
        # Docker takes a 0 as "leave it", so a limit can be set and changed in place, but not lifted.
        yield Difference("state.memory", state["memory"], 0, "memory limit was added by hand", drift=True)


def _limits(given: ContainerSpec, wanted: ContainerSpec, state: Mapping[str, Value]) -> Iterator[Difference]:
    """Limits are compared with what holds now: they can be changed in place, and labels cannot."""
    rows: tuple[tuple[str, str, Any, int, int], ...] = (
        ("memory", "memory limit", state.get("memory", 0), given.memory, wanted.memory),
        ("cpu_shares", "cpu share", state.get("cpu_shares", 1024), given.cpu_shares, wanted.cpu_shares),
    )
    for path, name, now, then, want in rows:
        if now == want:
            continue
        by_hand = then == want
        change = f"{limit_text(path, now)} → {limit_text(path, want)}"
        reason = f"{name} was altered by hand" if by_hand else f"{name} {change}"
        yield Difference(f"state.{path}", now, want, reason, drift=by_hand)
    if state.get("restart_policy", RESTART_POLICY) != RESTART_POLICY:
        before = state["restart_policy"]
        reason = "restart policy was altered by hand"
        yield Difference("state.restart_policy", before, RESTART_POLICY, reason, drift=True)


def drift(actual: Actual) -> str:
    """How a container is not as its own spec says; empty when it is, and for kinds that cannot be altered."""
    if actual.foreign or actual.key.kind != "container" or not actual.spec.get("name"):
        return ""
    given, state = container_spec(actual.spec), actual.state
    found = [*_beyond_repair(given, given, state), *_limits(given, given, state), *_condition(given, state)]
    return "; ".join(difference.reason for difference in found if difference.drift)


_NOT_RUNNING = {
    "exited": ("was stopped by hand", True),
    "paused": ("was paused by hand", True),
    "created": ("was made but never started", False),
}


def _condition(wanted: ContainerSpec, state: Mapping[str, Value]) -> Iterator[Difference]:
    """What is wrong with a container that only needs a push."""
    status = str(state.get("status", ""))
    if state.get("previous"):
        yield _interrupted(wanted, state)
    elif state.get("unrecorded"):
        reason = "runs, but the engine could not write that down: its disk was full"
        yield Difference("state.unrecorded", before=True, after=False, reason=reason)
    elif status in _NOT_RUNNING:
        reason, drift = _NOT_RUNNING[status]
        yield Difference("state.status", status, "running", reason, drift=drift)
    networks: Any = state.get("networks", (wanted.network,))
    if wanted.network != "host" and wanted.network not in networks:
        reason = f"is not connected to network {wanted.network}"
        yield Difference("state.networks", networks, (wanted.network,), reason, drift=True)


def _interrupted(wanted: ContainerSpec, state: Mapping[str, Value]) -> Difference:
    """A container that waits under another name, alone or beside the one that was to take its place."""
    name = state.get("name")
    by_hand = name not in (wanted.name, wanted.previous)
    if by_hand:
        reason = f"was renamed {name} by hand"
    else:
        reason = f"an interrupted replacement is {'finished' if name == wanted.name else 'undone'}"
    return Difference("state.name", name, wanted.name, reason, drift=by_hand)
