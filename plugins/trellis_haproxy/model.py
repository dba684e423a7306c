"""What a proxy serves, and the spec of a `haproxy-config` resource read into types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.values import Value

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
    """An instance that answers a site: ``website-1`` at ``127.0.0.1:20001``."""

    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class SiteRoute:
    """A site as a proxy serves it; `health_path` is empty where a connection is all that is checked."""

    domain: str
    path: str
    health_path: str
    servers: tuple[Server, ...]
    tls: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it answers."""
        return self.domain, *self.aliases

    def __str__(self) -> str:
        """``shop.example/api``; the domain alone for the whole of it."""
        return self.domain + self.path.rstrip("/")


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
    """

    container: str
    stack: str
    environment: str
    ports: tuple[int, ...]
    sites: tuple[SiteRoute, ...]
    tls_ports: tuple[int, ...] = ()


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
    """

    config: str
    digest: str
    folder: str
    container: str
    image: str
    ports: tuple[int, ...]
    sites: tuple[SiteRoute, ...]
    tls_ports: tuple[int, ...] = ()

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
            tls_ports=tuple(values.get("tls_ports", ())),  # absent in what was written before there was TLS
        )


def _site(value: Mapping[str, Any]) -> SiteRoute:
    servers = tuple(Server(**server) for server in value["servers"])
    more = value.get("tls", False), tuple(value.get("aliases", ()))
    return SiteRoute(value["domain"], value["path"], value["health_path"], servers, *more)
