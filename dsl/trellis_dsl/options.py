"""What the decorators of services and roles take, checked as it is said."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict, TypeVar, get_type_hints

from trellis_dsl.arguments import refuse_mistyped
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
    hints = get_type_hints(ServiceArguments)
    for name, value in arguments.items():
        if name not in hints:
            raise StackError(f"a service has no argument {name}{_near_miss(name, hints)}", where=where)
        refuse_mistyped(name, value, hints[name], where)
    said = {name: value for name, value in arguments.items() if name != "name"}
    return ServiceOptions(
        **{name: checked(name, value, _PARSERS.get(name, _same), where) for name, value in said.items()}
    )


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


def _near_miss(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"


def _same(value: object) -> object:
    return value


def _image(value: str) -> str:
    if value.split() != [value]:
        raise StackError(f"{value!r} is not the name of an image", hint='write it as "mariadb:10.11"')
    return value


def _seconds(value: float) -> float:
    if value < 0:
        raise StackError(f"{value} is less than nothing", hint="seconds are 0 or more")
    return value


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "image": _image,
    "cpu": parse_cpu,
    "memory": parse_bytes,
    "disk": parse_bytes,
    "network": parse_bandwidth,
    "command": tuple,
    "stop_grace": _seconds,
}
