"""Where services run or could run, and from which addresses they connect: what rulesets are made from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trellis.blueprint import EndpointSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.firewall.addressing import addresses_of, container_macs, is_loopback
from trellis.firewall.model import united
from trellis.firewall.needs import Need
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host
from trellis.placing.eligibility import why_not
from trellis.placing.model import Counting, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """A placed stack as the firewall sees it.

    Attributes:
        deployment: the placed stack.
        hosts: every host of the environment by name, silent ones too.
        needs: who needs to reach what.
        settings: the environment's.
        could_run: each service to the hosts that meet its hard requirements.
        settled: services whose instances belong to their hosts, because their number is said for each host.
    """

    deployment: Deployment
    hosts: Mapping[str, Host]
    needs: tuple[Need, ...]
    settings: FirewallSettings
    could_run: Mapping[str, frozenset[str]]
    settled: frozenset[str] = frozenset()
    _made: dict[tuple[str, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def addresses(self, host: str) -> tuple[str, ...]:
        """From which a host's traffic comes."""
        return self._once(("addresses", host), lambda: addresses_of(self.hosts[host], self.deployment.facts.get(host)))

    def instances(self, service: str) -> tuple[DeployedInstance, ...]:
        """The placed instances of a service."""
        return self.deployment.instances_of(service)

    def instances_on(self, host: str) -> Sequence[DeployedInstance]:
        """The placed instances on a host."""
        by_host = self._once(("by host",), lambda: _by_host(self.deployment.instances))
        return by_host.get(host, ())

    def needs_of(self, server: str, endpoint: str) -> tuple[Need, ...]:
        """Who needs to reach that endpoint."""
        wanted = (server, endpoint)
        found = (need for need in self.needs if (need.server, need.endpoint) == wanted)
        return self._once(("needs", *wanted), lambda: tuple(found))

    def places(self, service: str) -> frozenset[str]:
        """The hosts where the service runs and, in the mode ``potential``, where it could."""
        possible = self.could_run.get(service, frozenset()) if self.settings.mode == "potential" else frozenset()
        running = (one.host.name for one in self.instances(service))
        return self._once(("places", service), lambda: possible | frozenset(running))

    def networks(self, service: str) -> tuple[str, ...]:
        """The addresses of all those hosts."""
        return self._once(("networks", service), lambda: united(self.addresses(host) for host in self.places(service)))

    def sources(self, need: Need) -> tuple[str, ...]:
        """From which addresses the need's client connects."""
        return need.networks or self.networks(need.client)

    def is_elsewhere(self, service: str, host: str) -> bool:
        """Whether an instance of the service runs on another host."""
        homes = self._once(("homes", service), lambda: frozenset(one.host.name for one in self.instances(service)))
        return bool(homes - {host})

    def guarded_ends(self, server: str, endpoint: str) -> tuple[tuple[str, int], ...]:
        """Address and port of each instance that others could reach, unless the endpoint is public."""
        return self._once(("ends", server, endpoint), lambda: tuple(sorted(self._ends(server, endpoint))))

    def _ends(self, server: str, endpoint: str) -> Iterator[tuple[str, int]]:
        for one in self.instances(server):
            spec = one.service.endpoint(endpoint)
            if not spec.public and not is_loopback(bound_address(one, spec)):
                for address in self.addresses(one.host.name):
                    yield address, one.published[endpoint].port

    def macs(self, service: str, host: str) -> tuple[str, ...]:
        """The MAC addresses of the service's containers that are, or could come to be, on the host."""
        could_come = self.settings.mode == "potential" and host in self.could_run.get(service, frozenset())
        stays = could_come and service in self.settled
        if could_come and not stays:
            return self._once(("macs", service), lambda: _macs(self.instances(service)))
        by_host = self._once(("macs by host", service), lambda: _by_host(self.instances(service)))
        return _macs(by_host.get(host, ()))

    def _once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What is asked for every host is made once."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found


def bound_address(instance: DeployedInstance, endpoint: EndpointSpec) -> str:
    """The host's address at which the port is; empty for all of them."""
    everywhere = endpoint.public or instance.service.network == "host"
    return "" if everywhere else instance.host.address


def _macs(instances: Iterable[DeployedInstance]) -> tuple[str, ...]:
    return tuple(sorted(mac for one in instances if one.service.network == "stack" for mac in container_macs(one.name)))


def _by_host(instances: Iterable[DeployedInstance]) -> dict[str, list[DeployedInstance]]:
    found: dict[str, list[DeployedInstance]] = {}
    for one in instances:
        found.setdefault(one.host.name, []).append(one)
    return found


def could_run(problem: Problem) -> dict[str, frozenset[str]]:
    """Each service to the hosts that carry its role and meet its requirements, whether they answer or not."""
    found: dict[str, frozenset[str]] = {}
    for load in problem.workloads:
        fitting = frozenset(offer.name for offer in problem.hosts if why_not(load, offer) is None)
        found[load.service] = found.get(load.service, frozenset()) | fitting
    return found


def settled(problem: Problem) -> frozenset[str]:
    """Services whose number is said for each host: an instance comes and goes with its host."""
    return frozenset(load.service for load in problem.workloads if load.policy.counting is Counting.PER_HOST)
