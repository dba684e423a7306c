"""The base classes of services and roles, and what an instance knows of its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trellis_dsl.declaration import BOUND
from trellis_dsl.secret import Secret


@dataclass(frozen=True)
class HostView:
    """The host that an instance runs on, as its methods see it."""

    name: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Service:
    """A workload, normally a container; subclass it and decorate the class with ``@stack.service(...)``.

    Attributes:
        index: the instance's number in its service, from 1.
        name: the instance's name, ``website-2``.
        host: where it runs.
    """

    index: int
    name: str
    host: HostView

    def env(self) -> Mapping[str, str | Secret]:
        """Environment variables of the container; runs after placement, with plain values."""
        return {}


class Role:
    """What a group of hosts does; subclass it and decorate the class with ``@stack.role``.

    Attributes:
        host: in a file's method, the host that the file is rendered for.
    """

    host: HostView


def bind_service(cls: type[Service], values: Mapping[str, object], *, index: int, name: str, host: HostView) -> Service:
    """An instance of a service class whose attributes have the values of one place."""
    instance = cls.__new__(cls)
    vars(instance).update({BOUND: values, "index": index, "name": name, "host": host})
    return instance


def bind_role(cls: type[Role], values: Mapping[str, object], *, host: HostView) -> Role:
    """An instance of a role class on one host."""
    instance = cls.__new__(cls)
    vars(instance).update({BOUND: values, "host": host})
    return instance
