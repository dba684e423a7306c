"""Config values and secrets that a stack declares and an environment gives."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin, overload

from trellis_dsl.arguments import typed
from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller
from trellis_dsl.secret import Secret

T = TypeVar("T")

_SIMPLE: dict[object, str] = {str: "str", int: "int", float: "float", bool: "bool", Secret: "secret"}


@dataclass(frozen=True)
class ConfigRef(Generic[T]):
    """A reference to a config value: what ``Website.workers`` gives outside an instance."""

    owner: type
    name: str

    @property
    def key(self) -> str:
        """``Website.workers``, as environment files write it."""
        return f"{service_name(self.owner)}.{self.name}"


class Config(Declaration, Generic[T]):
    """A declared value; in a class body `default`, `required`, `secret` and `uses` make one."""

    def __init__(
        self,
        type_name: str,
        value: T | None,
        help: str,  # noqa: A002 - the word
        *,
        required: bool,
        source: ConfigRef[T] | None = None,
    ) -> None:
        super().__init__()
        self.type_name = type_name
        self.value = value
        self.help = help
        self.required = required
        self.source = source

    @overload
    def __get__(self, obj: None, owner: type) -> ConfigRef[T]: ...
    @overload
    def __get__(self, obj: object, owner: type) -> T: ...
    def __get__(self, obj: object | None, owner: type) -> ConfigRef[T] | T:
        """A reference on the class, the environment's value on an instance."""
        if obj is None:
            return ConfigRef(owner, self.name)
        value: T = self.bound(obj)
        return value


@typed(leaving=("value",))
def default(value: T, help: str = "") -> Config[T]:  # noqa: A002 - the field's standard word
    """Declare a config value with a default; its type is the default's.

    Args:
        value: ``str``, ``int``, ``float``, ``bool``, a list of ``str`` or a dictionary of ``str`` to ``str``.
        help: what it means, in a few words.

    Raises:
        StackError: the value is of another type.
    """
    return Config(_type_of_value(value), value, help, required=False)


@typed(leaving=("type",))
def required(type: type[T], help: str = "") -> Config[T]:  # noqa: A002 - the field's standard words
    """Declare a config value that every environment must give.

    Args:
        type: ``str``, ``int``, ``float``, ``bool``, ``list[str]`` or ``dict[str, str]``.
        help: what it means, in a few words.
    """
    return Config(_type_name(type), None, help, required=True)


@typed()
def secret(help: str = "") -> Config[Secret]:  # noqa: A002 - the field's standard word
    """Declare a secret that every environment must give; it shows as ``•••`` everywhere.

    Args:
        help: what it is, in a few words.
    """
    return Config("secret", None, help, required=True)


@typed(leaving=("value",))
def uses(value: ConfigRef[T], help: str = "") -> Config[T]:  # noqa: A002 - the field's standard word
    """Declare that a config value or a secret is the one of another class, so that it is given once.

    Args:
        value: such as ``MariaDB.root_password``.
        help: what it means here, in a few words; without it what it means there.

    Raises:
        StackError: it is no config value.
    """
    declared = _declared(value) if isinstance(value, ConfigRef) else None
    if declared is None:
        raise StackError(
            "uses needs a config value or a secret of another class",
            where=caller(),
            hint="name one, such as MariaDB.root_password",
        )
    return Config(declared.type_name, None, help or declared.help, required=True, source=value)


def _declared(ref: ConfigRef[T]) -> Config[T] | None:
    found = (vars(base).get(ref.name) for base in ref.owner.__mro__)
    return next((one for one in found if isinstance(one, Config)), None)


def service_name(cls: type) -> str:
    """The declared name of a service or role class: what its decorator gave it, else the class's name."""
    name = vars(cls).get("_trellis_name")
    return name if isinstance(name, str) else cls.__name__


def _type_of_value(value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "list[str]"
    if isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair):
        return "dict[str, str]"
    return _type_name(type(value))


def _type_name(wanted: Any) -> str:
    if isinstance(wanted, type) and wanted in _SIMPLE:
        return _SIMPLE[wanted]
    if get_origin(wanted) is list and get_args(wanted) == (str,):
        return "list[str]"
    if get_origin(wanted) is dict and get_args(wanted) == (str, str):
        return "dict[str, str]"
    raise StackError(
        f"a config value cannot be of type {getattr(wanted, '__name__', wanted)}",
        where=caller(),
        hint="use str, int, float, bool, list[str] or dict[str, str]",
    )
