"""An environment: what its file says, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trellis.environments.balancer import BalancerSettings
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host
from trellis.values import Value

OPERATIONS = ("up", "status", "scan")
"""What a client of a console can be approved to run."""


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """How the console of another project is reached.

    Attributes:
        authority: the file with the root of its certificate.
        certificate: the file with this project's certificate for it, and the key.
    """

    authority: Path
    certificate: Path


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, as its file describes it.

    Attributes:
        name: the file's name without ``.yaml``.
        file: its absolute path.
        hosts: by name, in the file's order.
        config: values by key (``Website.workers``), raw as written; types are the stack's to check.
        pins: the only hosts that a service may run on, by service.
        strategy: what decides where the rules leave a choice, a `trellis.placing.model.Strategy`.
        minimum_gain: how much lower, in hundredths, the fullest host has to become for a rebalancing to be done; None
            asks for nothing, and has `trellis watch` never rebalance.
        pulls_from: the environment whose revision this one is given, empty when there is none.
        upstream: the git URL of the repository that it pulls from, or a console's; empty for this one.
        console: how the console is reached, when the upstream is one.
        maintain: ``always`` lets `trellis watch` bring the hosts back; ``triggered`` has it report only.
        operations: what clients of this environment's own console may run here, by their names; nobody by default.
        firewall: what is let through, and what must not be.
        certificates: the issuer and its settings; empty means Trellis's own CA.
        balancer: who balances sites, when it is not a service of the stack.
    """

    name: str
    file: Path
    hosts: Mapping[str, Host]
    config: Mapping[str, Value]
    pins: Mapping[str, tuple[str, ...]]
    strategy: str
    pulls_from: str
    certificates: Mapping[str, str]
    upstream: str = ""
    maintain: Literal["triggered", "always"] = "triggered"
    console: ConsoleAccess | None = None
    operations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    minimum_gain: float | None = None
    firewall: FirewallSettings = field(default_factory=FirewallSettings)
    balancer: BalancerSettings = field(default_factory=BalancerSettings)
