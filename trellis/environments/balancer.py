"""The balancer section of an environment file, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trellis.environments.reading import Problems, text_at

_KEYS = ("provider", "serves")


@dataclass(frozen=True, slots=True)
class BalancerSettings:
    """Who balances a stack's sites in an environment.

    Attributes:
        provider: the balancer's name; empty for the one that the stack itself runs.
        serves: False takes away what the provider made, and the stack's own balancer serves again.
        options: what the provider needs to know; lists are joined by commas.
    """

    provider: str = ""
    serves: bool = True
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def instead(self) -> str:
        """The balancer that takes the place of the stack's own; empty when none does."""
        return self.provider if self.serves else ""


def read_balancer(found: Mapping[object, object], problems: Problems) -> BalancerSettings:
    """The settings; what is wrong with them is remembered. The provider itself checks its options."""
    provider = text_at(found, "provider", "balancer", problems) or ""
    serves = found.get("serves", True)
    if not isinstance(serves, bool):
        problems.add("balancer.serves", "must be true or false")
    if found and not provider:
        problems.add("balancer.provider", "must be the name of a balancer, such as aws")
    options = {str(key): _text(value, str(key), problems) for key, value in found.items() if key not in _KEYS}
    return BalancerSettings(provider, serves is not False, MappingProxyType(options))


def _text(value: object, key: str, problems: Problems) -> str:
    if isinstance(value, list) and value and all(isinstance(item, str) and item for item in value):
        return ",".join(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        problems.add(f"balancer.{key}", "must be text, a number or a list of texts")
        return ""
    return value
