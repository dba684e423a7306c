"""Where services run or could run, and from which addresses they connect: what rulesets are made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from trellis.deployment import DeployedInstance, Deployment
from trellis.firewall.addressing import addresses_of, container_macs
from trellis.firewall.needs import Need
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host
from trellis.placing.eligibility import why_not
from trellis.placing.model import Problem


@dataclass(frozen=True, slots=True)
class Ground:
    """A placed stack as the firewall sees it.

    Attributes:
        deployment: the placed stack.
        hosts: every host of the environment by name, silent ones too.
        needs: who needs to reach what.
        settings: the environment's.
        could_run: each service to the hosts that meet its hard requirements.
    """

    deployment: Deployment
    hosts: Mapping[str, Host]
    needs: tuple[Need, ...]
    settings: FirewallSettings
    could_run: Mapping[str, frozenset[str]]

    def addresses(self, host: str) -> tuple[str, ...]:
        """From which a host's traffic comes."""
        return addresses_of(self.hosts[host], self.deployment.facts.get(host))

    def instances(self, service: str) -> tuple[DeployedInstance, ...]:
        """The placed instances of a service."""
        return self.deployment.instances_of(service)

    def places(self, service: str) -> tuple[str, ...]:
        """The hosts where the service runs and, in the mode ``potential``, where it could."""
        running = {one.host.name for one in self.instances(service)}
        possible = self.could_run.get(service, frozenset()) if self.settings.mode == "potential" else frozenset()
        return tuple(sorted(running | possible))

    def macs(self, service: str, host: str) -> tuple[str, ...]:
        """The MAC addresses of the service's containers that are, or could come to be, on the host."""
        found = self.instances(service)
        if self.settings.mode != "potential" or host not in self.could_run.get(service, frozenset()):
            found = tuple(one for one in found if one.host.name == host)
        return tuple(sorted(mac for one in found if one.service.network == "stack" for mac in container_macs(one.name)))


def could_run(problem: Problem) -> dict[str, frozenset[str]]:
    """Each service to the hosts that carry its role and meet its requirements, whether they answer or not."""
    found: dict[str, frozenset[str]] = {}
    for load in problem.workloads:
        fitting = frozenset(offer.name for offer in problem.hosts if why_not(load, offer) is None)
        found[load.service] = found.get(load.service, frozenset()) | fitting
    return found
