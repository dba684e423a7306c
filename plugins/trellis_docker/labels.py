"""The labels by which Trellis knows its own things in Docker, and what it last gave them."""

import json
from collections.abc import Mapping

from trellis.plugin.contracts import Scope
from trellis.resources import Owner, Resource
from trellis.values import Value, canonical, digest, fingerprinted, freeze_mapping

_PREFIX = "io.trellis."
STACK = f"{_PREFIX}stack"
ENVIRONMENT = f"{_PREFIX}env"
NAME = f"{_PREFIX}name"
SPEC = f"{_PREFIX}spec"
DIGEST = f"{_PREFIX}digest"

Labels = Mapping[str, str]


def labels_for(resource: Resource, scope: Scope) -> dict[str, str]:
    """What is put on the thing that is made for a resource; secrets only as fingerprints.

    ``io.trellis.name`` is the resource's own name, ``io.trellis.instance`` the number in its service.
    """
    spec = fingerprinted(resource.spec, scope.salt)
    return {
        STACK: scope.stack,
        ENVIRONMENT: scope.environment,
        NAME: resource.key.name,
        f"{_PREFIX}role": resource.owner.role,
        f"{_PREFIX}service": resource.owner.service,
        f"{_PREFIX}instance": str(resource.owner.index or ""),
        DIGEST: digest(spec),
        SPEC: canonical(spec),
    }


def filters(scope: Scope, name: str = "") -> tuple[str, ...]:
    """Docker's label filter for everything of a scope, or for one resource's things."""
    ours = (f"{STACK}={scope.stack}", f"{ENVIRONMENT}={scope.environment}")
    return (*ours, f"{NAME}={name}") if name else ours


def is_ours(labels: Labels | None, scope: Scope) -> bool:
    """Whether Trellis made it for this stack and environment."""
    known = labels or {}
    return known.get(STACK) == scope.stack and known.get(ENVIRONMENT) == scope.environment and NAME in known


def owner_of(labels: Labels) -> Owner:
    """What it is there for."""
    index = labels.get(f"{_PREFIX}instance", "")
    return Owner(
        role=labels.get(f"{_PREFIX}role", ""),
        service=labels.get(f"{_PREFIX}service", ""),
        index=int(index) if index.isdecimal() else 0,
    )


def spec_of(labels: Labels) -> Mapping[str, Value]:
    """The spec that Trellis last gave it; empty when it cannot be read."""
    try:
        spec = json.loads(labels.get(SPEC, ""))
    except ValueError:
        return freeze_mapping({})
    return freeze_mapping(spec if isinstance(spec, dict) else {})
