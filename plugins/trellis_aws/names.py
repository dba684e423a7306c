"""What Trellis's things are called in AWS, and by which tags it knows them; pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping

STACK = "io.trellis.stack"
ENVIRONMENT = "io.trellis.environment"
SITE = "io.trellis.site"
DIGEST = "io.trellis.digest"
UNFINISHED = "io.trellis.unfinished"
GIVEN = "io.trellis.given-certificate"
CERTIFICATE = "io.trellis.certificate"
FINGERPRINT = "io.trellis.fingerprint"

_LONGEST = 32
_HASH = 8
_RESERVED = "internal-"
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9]+")


def balancer_name(stack: str, environment: str) -> str:
    """At most 32 letters, digits and hyphens, which is all that a load balancer's name may have."""
    return _name(f"{stack}-{environment}", f"{stack}/{environment}", always=False)


def group_prefix(stack: str, environment: str) -> str:
    """How the names of the environment's target groups start."""
    return f"t{hashlib.sha256(f'{stack}/{environment}'.encode()).hexdigest()[:_HASH]}-"


def group_name(stack: str, environment: str, site: str) -> str:
    """A target group's name: ``t1a2b3c4d-Website-public-0a1b2c3d``, cut where it is too long."""
    prefix = group_prefix(stack, environment)
    return prefix + _name(site, site, always=True, longest=_LONGEST - len(prefix))


def own_tags(stack: str, environment: str, **more: str) -> list[dict[str, str]]:
    """Tags that make a thing Trellis's."""
    return as_tags({STACK: stack, ENVIRONMENT: environment, **more})


def as_tags(found: Mapping[str, str]) -> list[dict[str, str]]:
    """As AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in found.items()]


def tags_of(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """As AWS gives them."""
    return {one["Key"]: one.get("Value", "") for one in found}


def is_ours(tags: Mapping[str, str], stack: str, environment: str) -> bool:
    """Whether Trellis made it for that environment."""
    return tags.get(STACK) == stack and tags.get(ENVIRONMENT) == environment


def _name(text: str, whole: str, *, always: bool, longest: int = _LONGEST) -> str:
    plain = _NOT_ALLOWED.sub("-", text).strip("-")
    if plain.startswith(_RESERVED):
        plain = f"t-{plain}"
    if not always and plain == text and len(plain) <= longest:
        return plain
    tail = hashlib.sha256(whole.encode()).hexdigest()[:_HASH]
    return f"{plain[: longest - _HASH - 1].strip('-')}-{tail}"
