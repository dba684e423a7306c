"""What a proxy serves, and the spec of a `haproxy-config` resource read into types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.values import Value
from trellis_dsl.sites import AS_USUAL, Handling

ETC = "/etc/haproxy"
"""Where the container finds its configuration."""

RUN = "/run/haproxy"
"""Where the container puts its sockets."""

CERTIFICATES = "certs"
"""Folder below `ETC`: one PEM file a certificate, with its chain and its key."""

CHALLENGES = "acme.map"
"""File below `ETC`: ``account THUMBPRINT`` while challenges of a certificate authority are answered (RFC 8555 §8.3)."""


@dataclass(frozen=True, slots=True)
class Server:
    """An instance that answers a site: ``website-1`` at ``127.0.0.1:20001``.

    Attributes:
        name: the instance's.
        address: where it answers.
        port: likewise.
        backup: it gets traffic only when no other one serves.
        check_port: where it tells whether it serves; 0 is where it answers.
    """

    name: str
    address: str
    port: int
    backup: bool = False
    check_port: int = 0


@dataclass(frozen=True, slots=True)
class SiteRoute:
    """A site as a proxy serves it.

    Attributes:
        health_path: empty where a connection is all that is checked.
        tls: visitors come to this proxy over TLS.
        in_front: visitors come over TLS to proxies in front of this one.
    """

    domain: str
    path: str
    health_path: str
    servers: tuple[Server, ...]
    tls: bool = False
    aliases: tuple[str, ...] = ()
    handling: Handling = AS_USUAL
    in_front: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it answers."""
        return self.domain, *self.aliases

    def __str__(self) -> str:
        """``shop.example/api``; the domain alone for the whole of it."""
        return self.domain + self.path.rstrip("/")


@dataclass(frozen=True, slots=True)
class TcpRoute:
    """An endpoint that a proxy offers over TCP, as its author declared it."""

    name: str  # MariaDB.sql
    port: int
    servers: tuple[Server, ...]
    one_active: bool = False
    timeout: float = 3600.0
    check: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One HAProxy.

    Attributes:
        container: the container's whole name.
        stack: the stack's name.
        environment: the environment's name.
        ports: on which it listens for HTTP.
        sites: sorted by domain and path.
        tls_ports: on which it listens for HTTP over TLS.
        tcp: endpoints that it offers, sorted by name.
        behind: addresses of the proxies in front of it; what they say about a client is believed.
        statistics_port: on loopback; 0 leaves statistics to the socket.
        existing: the operator's own configuration on the host, loaded beside this one; empty for none.
    """

    container: str
    stack: str
    environment: str
    ports: tuple[int, ...]
    sites: tuple[SiteRoute, ...]
    tls_ports: tuple[int, ...] = ()
    tcp: tuple[TcpRoute, ...] = ()
    behind: tuple[str, ...] = ()
    statistics_port: int = 0
    existing: str = ""


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """A `haproxy-config` resource's spec.

    Attributes:
        config: the text of haproxy.cfg.
        digest: what the worker that has loaded it answers when it is asked.
        folder: on the host; its ``etc`` and ``run`` are mounted into the container.
        container: the container's whole name.
        image: in which the configuration is checked.
        ports: on which the proxy listens for HTTP.
        sites: what the configuration says, for reasons.
        tls_ports: on which it listens for HTTP over TLS.
        tcp: endpoints that it offers, for reasons.
        existing: see `Proxy`.
    """

    config: str
    digest: str
    folder: str
    container: str
    image: str
    ports: tuple[int, ...]
    sites: tuple[SiteRoute, ...]
    tls_ports: tuple[int, ...] = ()
    tcp: tuple[TcpRoute, ...] = ()
    existing: str = ""

    @classmethod
    def of(cls, spec: Mapping[str, Value]) -> "ProxyConfig":
        """The typed spec, as `trellis_haproxy.desiring` or an earlier run wrote it.

        Raises:
            KeyError: a field is missing.
        """
        values: Mapping[str, Any] = spec
        return cls(
            config=values["config"],
            digest=values["digest"],
            folder=values["folder"],
            container=values["container"],
            image=values["image"],
            ports=tuple(values["ports"]),
            sites=tuple(_site(site) for site in values["sites"]),
            # Absent in what was written before there were such things.
            tls_ports=tuple(values.get("tls_ports", ())),
            tcp=tuple(_tcp(route) for route in values.get("tcp", ())),
            existing=values.get("existing", ""),
        )


def _site(value: Mapping[str, Any]) -> SiteRoute:
    servers = tuple(Server(**server) for server in value["servers"])
    more = value.get("tls", False), tuple(value.get("aliases", ())), Handling(**value.get("handling", {}))
    in_front = value.get("in_front", False)
    return SiteRoute(value["domain"], value["path"], value["health_path"], servers, *more, in_front)


def _tcp(value: Mapping[str, Any]) -> TcpRoute:
    return TcpRoute(**{**value, "servers": tuple(Server(**server) for server in value["servers"])})
