"""What an environment says about its firewall."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["potential", "actual"]
Egress = Literal["open", "declared"]

MODES: tuple[Mode, ...] = ("potential", "actual")
EGRESS: tuple[Egress, ...] = ("open", "declared")
NO_PROVIDER = "none"


@dataclass(frozen=True, slots=True)
class Denial:
    """A connection that the environment forbids: from a service or role to a service or role; ``*`` is any."""

    source: str
    target: str

    def __str__(self) -> str:
        """``Web → Database``."""
        return f"{self.source} → {self.target}"


@dataclass(frozen=True, slots=True)
class FirewallSettings:
    """An environment's settings.

    Attributes:
        mode: let clients in from wherever they could run (``potential``), or only from where they run now
            (``actual``).
        egress: containers may connect to anything (``open``), or to what they declare (``declared``).
        provider: the firewall of the hosts' system; ``none`` keeps no rules; empty takes what a host has.
        deny: connections that no stack may declare here.
    """

    mode: Mode = "potential"
    egress: Egress = "open"
    provider: str = ""
    deny: tuple[Denial, ...] = ()
