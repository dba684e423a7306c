"""What the decorators of services and roles take, checked as it is said."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict, TypeVar

from trellis_dsl.endpoints import Health
from trellis_dsl.errors import StackError
from trellis_dsl.location import Location
from trellis_dsl.quantities import parse_bandwidth, parse_bytes, parse_cpu
from trellis_dsl.service import Role, Service
from trellis_dsl.updates import Rollout

V = TypeVar("V")

OPTIONS = "_trellis_options"


@dataclass(frozen=True)
class ServiceOptions:
    """What a service's decorator said; None where it said nothing and a base class may have."""

    image: str | None = None
    cpu: float | None = None
    memory: int | None = None
    disk: int | None = None
    network: int | None = None
    relocatable: bool | Literal["coordinated"] | None = None
    priority: int | None = None
    host_network: bool | None = None
    command: tuple[str, ...] | None = None
    user: str | None = None
    stop_grace: float | None = None
    health: Health | None = None
    rollout: Rollout | None = None
    labels: Mapping[str, str] | None = None

    def over(self, base: "ServiceOptions") -> "ServiceOptions":
        """These options, and the base's where these say nothing."""
        said = {item.name: value for item in fields(self) if (value := getattr(self, item.name)) is not None}
        return replace(base, **said)


@dataclass(frozen=True)
class RoleOptions:
    """What a role's decorator said."""

    conflicts_with: tuple[type[Role], ...] = ()
    cpu: float = 0.0
    memory: int = 0
    disk: int = 0
    network: int = 0


def options_of(cls: type[Service]) -> ServiceOptions:
    """A service class's options, those of its base classes underneath."""
    merged = ServiceOptions()
    for base in reversed(cls.__mro__):
        merged = vars(base).get(OPTIONS, ServiceOptions()).over(merged)
    return merged


class ServiceArguments(TypedDict, total=False):
    """What a service's decorator takes; what is not said is inherited from the base class.

    Attributes:
        image: such as ``mariadb:10.11``.
        cpu: cores that an instance needs.
        memory: what an instance needs, and may not exceed.
        disk: what an instance needs besides its storages.
        network: bandwidth that an instance needs.
        relocatable: may a running instance be moved: True, ``"coordinated"`` (with the operator's word) or
            False, the default.
        priority: higher is placed first when not everything fits.
        host_network: use the host's network instead of the stack's.
        command: instead of the image's own.
        user: instead of the image's own.
        stop_grace: seconds between asking an instance to stop and ending it; 10 without it.
        health: `command` or `tcp` for the whole instance; else what an endpoint's ``listens`` says.
        rollout: how instances are replaced.
        labels: more labels for the container.
        name: the service's name, for classes made in loops or by functions; else the class's.
    """

    image: str
    cpu: float | str
    memory: str | int
    disk: str | int
    network: str | int
    relocatable: bool | Literal["coordinated"]
    priority: int
    host_network: bool
    command: Sequence[str]
    user: str
    stop_grace: float
    health: Health
    rollout: Rollout
    labels: Mapping[str, str]
    name: str


def service_options(arguments: Mapping[str, object], where: Location) -> ServiceOptions:
    """What a decorator said, as values of the right kind.

    Raises:
        StackError: an argument that there is not, or a value that cannot be meant.
    """
    said = {name: value for name, value in arguments.items() if name != "name"}
    for name in said.keys() - _CHECKS.keys():
        raise StackError(f"a service has no argument {name}{_near_miss(name)}", where=where)
    return ServiceOptions(**{name: checked(name, value, _CHECKS[name], where) for name, value in said.items()})


def checked(name: str, value: Any, check: Callable[[Any], V], where: Location) -> V:
    """The value as the check returns it.

    Raises:
        StackError: it cannot be meant; the message names the argument and the place.
    """
    try:
        return check(value)
    except StackError as error:
        raise StackError(f"{name}: {error.what}", where=where, hint=error.hint) from None
    except (TypeError, ValueError):
        raise StackError(f"{name}: {value!r} cannot be meant", where=where) from None


def _near_miss(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, [*_CHECKS, "name"], n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted([*_CHECKS, 'name']))}"


def _of(*kinds: type, says: str) -> Callable[[Any], Any]:
    """A check that a value is of one of these types; true and false are no numbers."""

    def check(value: object) -> object:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise StackError(f"{value!r} is not {says}")
        return value

    return check


def _image(value: object) -> str:
    if not isinstance(value, str) or value.split() != [value]:
        raise StackError(f"{value!r} is not the name of an image", hint='write it as "mariadb:10.11"')
    return value


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise StackError("one text is not a list of words", hint=f"write {tuple(value.split())}")
    if not isinstance(value, Sequence) or not all(isinstance(word, str) for word in value):
        raise StackError(f"{value!r} is not a list of words", hint='write ("nginx", "-g", "daemon off;")')
    return tuple(value)


def _relocatable(value: object) -> object:
    if value is not True and value is not False and value != "coordinated":
        raise StackError(f"{value!r} is not True, False or 'coordinated'")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise StackError(f"{value!r} is not a number of seconds")
    return value


def _labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise StackError(f"{value!r} are not labels", hint='write {"team": "shop"}')
    return value


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "image": _image,
    "cpu": parse_cpu,
    "memory": parse_bytes,
    "disk": parse_bytes,
    "network": parse_bandwidth,
    "relocatable": _relocatable,
    "priority": _of(int, says="a whole number"),
    "host_network": _of(bool, says="True or False"),
    "command": _words,
    "user": _of(str, says="a user's name or number, as text"),
    "stop_grace": _seconds,
    "health": _of(Health, says='a check: say tcp(), or command("pg_isready")'),
    "rollout": _of(Rollout, says="a Rollout"),
    "labels": _labels,
}
