"""A load balancer as it should be, or as it was found: data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from trellis.values import Value, digest, freeze_mapping

KIND = "aws-balancer"

Does = Literal["forward", "redirect", "later"]


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An instance that answers: ``website-1`` at ``10.0.0.11:20001``; found ones have no name."""

    address: str
    port: int
    name: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """The instances of one site.

    Attributes:
        name: the target group's.
        site: ``Website.public``.
        health_path: what is asked; empty asks ``/`` and takes whatever is no failure of the server.
        sticky: a visitor's requests go to the same instance.
        drain: seconds that requests under way may take.
        targets: sorted.
    """

    name: str
    site: str
    health_path: str
    sticky: bool
    drain: int
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with the requests for some names below a path.

    Attributes:
        hosts: the names.
        paths: patterns; empty for all of them.
        does: sends them to a group, leads them to TLS, or asks to come back later.
        group: the target group's name, to send them to.
    """

    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    does: Does
    group: str = ""

    def __str__(self) -> str:
        """``shop.example/api``."""
        return ", ".join(self.hosts) + (self.paths[0] if self.paths else "")


@dataclass(frozen=True, slots=True)
class Front:
    """A listener and its rules, the first one that fits decides; what fits none is answered with 404."""

    port: int
    tls: bool
    rules: tuple[Rule, ...]
    rest: str = "404"


@dataclass(frozen=True, slots=True)
class Balancer:
    """One application load balancer.

    Attributes:
        name: its own.
        scheme: who can reach it.
        subnets: sorted ids.
        security_groups: sorted ids.
        idle_timeout: seconds that an instance may be silent.
        certificate: the ARN of one that the environment gives; empty for Trellis's own.
        fronts: by port.
        groups: by site.
    """

    name: str
    scheme: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    idle_timeout: int
    certificate: str
    fronts: tuple[Front, ...]
    groups: tuple[Group, ...]

    @property
    def digest(self) -> str:
        """Changes with everything but the names of instances, which AWS does not keep."""
        return digest(asdict(without_names(self)))

    def as_spec(self) -> Mapping[str, Value]:
        """As a resource's spec or state has it."""
        return freeze_mapping(asdict(self))


def without_names(balancer: Balancer) -> Balancer:
    """With addresses alone."""
    groups = tuple(
        replace(group, targets=tuple(sorted(Target(one.address, one.port) for one in group.targets)))
        for group in balancer.groups
    )
    return replace(balancer, groups=groups)


def balancer_of(spec: Mapping[str, Any]) -> Balancer:
    """The balancer in a spec. Raises `KeyError` when a field is missing."""
    fronts = tuple(_front(one) for one in spec["fronts"])
    groups = tuple(_group(one) for one in spec["groups"])
    lists = {key: tuple(spec[key]) for key in ("subnets", "security_groups")}
    return Balancer(**{**spec, **lists, "fronts": fronts, "groups": groups})


def _front(value: Mapping[str, Any]) -> Front:
    rules = (Rule(tuple(one["hosts"]), tuple(one["paths"]), one["does"], str(one["group"])) for one in value["rules"])
    return Front(int(value["port"]), bool(value["tls"]), tuple(rules), str(value["rest"]))


def _group(value: Mapping[str, Any]) -> Group:
    return Group(**{**value, "targets": tuple(Target(**one) for one in value["targets"])})
