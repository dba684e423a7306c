"""How many instances a role runs, and where they may stand."""

from dataclasses import dataclass
from typing import Generic, Literal, Self, TypeVar

from trellis_dsl.arguments import typed
from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller
from trellis_dsl.service import Service
from trellis_dsl.storage import Storage

S = TypeVar("S", bound=Service)


@dataclass(frozen=True)
class Policy:
    """A number of instances, from `low` to `high`, over each host or over the role; `high` None is no limit."""

    low: int
    high: int | None
    counting: Literal["per_host", "per_role"] = "per_role"


@dataclass(frozen=True)
class Count(Policy):
    """A number of instances over the role; `per_host` counts it over each host instead."""

    @property
    def per_host(self) -> Policy:
        """The same number on each of the role's hosts."""
        return Policy(self.low, self.high, "per_host")

    @property
    def per_role(self) -> Policy:
        """The same number over all of the role's hosts."""
        return Policy(self.low, self.high, "per_role")


one_per_host = Policy(1, 1, "per_host")
"""One instance on each of the role's hosts."""

one_per_role = Policy(1, 1, "per_role")
"""One instance on one of the role's hosts."""


@typed()
def at_least(n: int) -> Count:
    """`n` instances or more; over the role, or ``.per_host``."""
    return _count(n, None)


@typed()
def exactly(n: int) -> Count:
    """`n` instances; over the role, or ``.per_host``."""
    return _count(n, n)


@typed()
def between(low: int, high: int) -> Count:
    """From `low` to `high` instances; over the role, or ``.per_host``."""
    return _count(low, high)


def _count(low: int, high: int | None) -> Count:
    said = (low,) if high in {None, low} else (low, high)
    if min(said) < 0:
        raise StackError(f"{' to '.join(map(str, said))} is not a number of instances", where=caller())
    if high is not None and high < low:
        raise StackError(f"{low} to {high} is no range: the first number is the smaller one", where=caller())
    return Count(low, high)


class Runs(Declaration, Generic[S]):
    """A service that a role runs; `runs` makes one, and its methods say where instances may stand."""

    def __init__(self, service: type[S], policy: Policy, storages: dict[str, Storage]) -> None:
        super().__init__()
        self.service = service
        self.policy = policy
        self.storages = storages
        self.labels_to_spread: tuple[str, ...] = ()
        self.apart: tuple[type[Service], ...] = ()
        self.together: tuple[type[Service], ...] = ()
        self.labels: dict[str, str] = {}
        self.facts: dict[str, str] = {}

    @typed()
    def spread_over(self, *labels: str) -> Self:
        """Spread the instances evenly over the values of host labels, such as ``datacenter``."""
        self.labels_to_spread += labels
        return self

    @typed()
    def apart_from(self, *services: type[Service]) -> Self:
        """Keep the instances off hosts that run these services."""
        self.apart += services
        return self

    @typed()
    def together_with(self, *services: type[Service]) -> Self:
        """Keep the instances on hosts that run these services too."""
        self.together += services
        return self

    @typed()
    def on_hosts_with(self, **labels: str) -> Self:
        """Only hosts with these labels."""
        self.labels.update(labels)
        return self

    @typed()
    def on_hosts_where(self, **facts: str) -> Self:
        """Only hosts with these facts: a version specifier such as ``docker=">=20"``, or an exact value."""
        self.facts.update(facts)
        return self


def runs(service: type[S], policy: Policy, **storages: Storage) -> Runs[S]:
    """Declare that a role runs a service.

    Args:
        service: a service class.
        policy: how many: `one_per_host`, `one_per_role`, `at_least`, `exactly`, `between`.
        storages: for each of the service's mounts, by its name, a storage of this role.

    Raises:
        StackError: it is not a service class, or not a policy.
    """
    given: object = service
    if not (isinstance(given, type) and issubclass(given, Service)):
        named = getattr(given, "__name__", repr(given))
        raise StackError(f"runs needs a service class, not {named}", where=caller())
    number: object = policy
    if not isinstance(number, Policy):
        raise StackError(
            f"{number!r} is not a number of instances",
            where=caller(),
            hint="use one_per_host, one_per_role, at_least(n), exactly(n) or between(a, b)",
        )
    return Runs(service, policy, storages)
