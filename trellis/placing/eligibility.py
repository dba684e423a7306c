"""Which hosts may run a workload at all, before capacity is looked at, and why the others may not."""

from collections.abc import Collection, Iterable, Mapping

from trellis.errors import ConfigError
from trellis.placing.model import HostOffer, Workload

_OPERATORS = ("<", ">", "=", "!", "~")


def why_not(load: Workload, host: HostOffer) -> str | None:
    """Why the host may not run the workload, whether or not it answers; None when it may.

    Raises:
        ConfigError: a fact is required with a version specifier that cannot be read.
    """
    if load.role not in host.roles:
        return f"does not carry {load.role}"
    if load.pinned_to and host.name not in load.pinned_to:
        return f"{load.service} is pinned to {', '.join(sorted(load.pinned_to))}"
    for storage, holders in sorted(load.storage_on.items()):
        if host.name not in holders:
            return f"storage {storage} is active on {', '.join(sorted(holders))}"
    for key, value in sorted(load.requires_labels.items()):
        if host.labels.get(key) != value:
            return f"label {key} is {host.labels.get(key, 'not set')}, not {value}"
    for name, wanted in sorted(load.requires_facts.items()):
        if refusal := _fact_refusal(name, wanted, host.facts):
            return refusal
    return None


def why_nothing_new(host: HostOffer) -> str | None:
    """Why nothing new may go to the host, whatever its roles; None when it may."""
    if host.draining:
        return "is draining"
    if not host.answers:
        return "does not answer"
    return None


def may_move(load: Workload, allow_moves: Collection[str]) -> bool:
    """Whether a running instance may be moved where the rules let it stay."""
    if load.storage_on:
        return False  # its data would not come along
    return load.relocatable == "yes" or (load.relocatable == "coordinated" and load.service in allow_moves)


def why_not_movable(load: Workload) -> str:
    """Why a running instance is not moved, in words; for one that `may_move` refuses."""
    if load.storage_on:
        return f"{load.service} stays with its storage {', '.join(sorted(load.storage_on))}"
    if load.relocatable == "coordinated":
        return f"{load.service} is moved only with --allow-moves {load.service}"
    return f"{load.service} is not relocatable"


def candidates(load: Workload, hosts: Iterable[tuple[int, HostOffer]]) -> tuple[int, ...]:
    """The numbers of those of `hosts`, all open to something new, that carry what the workload requires."""
    return tuple(number for number, host in hosts if why_not(load, host) is None)


def is_picky(load: Workload) -> bool:
    """Whether more than the role decides which hosts may run the workload."""
    return bool(load.pinned_to or load.requires_labels or load.requires_facts or load.storage_on)


def _fact_refusal(name: str, wanted: str, facts: Mapping[str, str]) -> str | None:
    have = facts.get(name)
    if have is None:
        return f"has no fact {name}"
    if have == wanted or (wanted.startswith(_OPERATORS) and _version_matches(name, wanted, have)):
        return None
    return f"{name} is {have}, not {wanted}"


def _version_matches(name: str, wanted: str, have: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(wanted).contains(Version(have), prereleases=True)
    except InvalidSpecifier as error:
        raise ConfigError(
            f"{wanted} is not a version specifier", where=f"fact {name}", hint='write it as ">=20"'
        ) from error
    except InvalidVersion:
        return False
