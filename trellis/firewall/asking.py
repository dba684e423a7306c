"""What people type as the ends of a path, turned into hosts, instances and ports; pure."""

import ipaddress
import re
from dataclasses import dataclass
from typing import cast

from trellis.blueprint import Protocol
from trellis.deployment import DeployedInstance
from trellis.environments.reading import near_miss
from trellis.errors import UsageError
from trellis.firewall.explaining import Client
from trellis.firewall.ground import Ground

_END = re.compile(r"(?P<name>.+?):(?P<port>[A-Za-z_][\w-]*|\d+)(?:/(?P<protocol>tcp|udp))?")


@dataclass(frozen=True, slots=True)
class Server:
    """A port on a host, or at an address outside of the environment."""

    host: str
    protocol: Protocol
    port: int

    def __str__(self) -> str:
        """``tcp 20001 on ny1``."""
        return f"{self.protocol} {self.port} on {self.host}"


def client_of(text: str, ground: Ground) -> Client:
    """A host, an instance such as ``website-1``, or an address.

    Raises:
        UsageError: it is none of these.
    """
    if text in ground.hosts:
        return Client(text, ground.addresses(text), text)
    instance = _instances(ground).get(text)
    if instance is not None:
        host = instance.host.name
        # On the host's own network it is one with the host.
        return Client(text, ground.addresses(host), host, instance if instance.service.network == "stack" else None)
    try:
        return Client(text, (str(ipaddress.ip_address(text)),))
    except ValueError:
        raise _unknown(text, ground) from None


def server_of(text: str, ground: Ground) -> Server:
    """``ny1:3306``, ``ny1:53/udp``, ``mariadb-1:sql``, or ``mariadb-1:3306`` with the port inside the container.

    ``203.0.113.9:443`` and ``[2001:db8::9]:443`` are outside of the environment.

    Raises:
        UsageError: it is none of these.
    """
    parts = _END.fullmatch(text)
    if parts is None:
        raise UsageError(f"{text} has no port", hint="write HOST:PORT, HOST:PORT/udp or INSTANCE:ENDPOINT")
    name, port, protocol = parts["name"], parts["port"], cast("Protocol", parts["protocol"] or "tcp")
    instance = _instances(ground).get(name)
    if instance is not None:
        return _endpoint(instance, port, protocol)
    if name not in ground.hosts and not (name := _address(name)):
        raise _unknown(parts["name"], ground)
    if not port.isdecimal():
        raise UsageError(f"{port} is not a port of a host", hint="write a number, or INSTANCE:ENDPOINT")
    return Server(name, protocol, int(port))


def _address(text: str) -> str:
    """In its canonical form; IPv6 in brackets (RFC 3986). Empty when it is none."""
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""


def _endpoint(instance: DeployedInstance, port: str, protocol: Protocol) -> Server:
    for endpoint in instance.service.endpoints:
        numbers = {str(endpoint.port), str(instance.published[endpoint.name].port)}
        if port == endpoint.name or (port in numbers and protocol == endpoint.protocol):
            return Server(instance.host.name, endpoint.protocol, instance.published[endpoint.name].port)
    known = ", ".join(endpoint.name for endpoint in instance.service.endpoints) or "none"
    raise UsageError(f"{instance.service.name} has no endpoint {port}", hint=f"its endpoints are: {known}")


def _instances(ground: Ground) -> dict[str, DeployedInstance]:
    return {f"{one.service.name.lower()}-{one.index}": one for one in ground.deployment.instances}


def _unknown(text: str, ground: Ground) -> UsageError:
    known = [*ground.hosts, *_instances(ground)]
    return UsageError(
        f"{text} is no host, no instance and no address{near_miss(text, known)}", hint=f"there are {', '.join(known)}"
    )
