"""The environment's ``balancer`` where it is AWS: the region, where the load balancer stands, and who may use it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trellis.environments.reading import near_miss
from trellis.errors import ConfigError
from trellis.hosts import Host

if TYPE_CHECKING:
    from trellis.environments.model import Environment

NAME = "aws"
"""The balancer's name, and the name of the place where it is."""

SERVES = "serves"
"""An option of the place that the environment's file does not have among the options: whether it is to serve."""

_LISTS = ("subnets", "security_groups")
_TEXTS = ("region", "scheme", "certificate", "profile", "endpoint", "access_key", "access_key_secret")
_PORTS = ("http_port", "https_port")
_KEYS = (*_TEXTS, *_LISTS, *_PORTS)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SCHEMES = ("internet-facing", "internal")
_LEAST_SUBNETS = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """What an environment says.

    Attributes:
        region: such as ``eu-west-1``.
        subnets: of at least two zones, in one VPC.
        security_groups: that the load balancer is in.
        scheme: who can reach it, ``internet-facing`` or ``internal``.
        certificate: the ARN of one that serves all sites; empty for those of Trellis's own issuer.
        http_port: where it listens.
        https_port: where it listens for TLS.
        profile: of the AWS configuration; empty for the usual chain of credentials.
        endpoint: a URL instead of AWS's own.
        access_key: the id of a key whose secret is Trellis's.
    """

    region: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    scheme: str = "internet-facing"
    certificate: str = ""
    http_port: int = 80
    https_port: int = 443
    profile: str = ""
    endpoint: str = ""
    access_key: str = ""


def read_settings(found: Mapping[str, str], environment: str) -> Settings:
    """The settings, checked.

    Raises:
        ConfigError: an unknown key, a value that is none, or one that is missing.
    """
    where = f"environments/{environment}.yaml: balancer"
    for key in found:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise ConfigError(
                f"{key} means nothing to the balancer aws{near_miss(key, _KEYS)}; it knows {known}", where=where
            )
    for key in ("region", *_LISTS):
        if not found.get(key):
            raise ConfigError(f"the balancer aws needs {key}", where=where, hint=f"write {key}: in it")
    _check(found, where)
    return Settings(
        region=found["region"],
        subnets=_listed(found["subnets"]),
        security_groups=_listed(found["security_groups"]),
        scheme=found.get("scheme", _SCHEMES[0]),
        certificate=found.get("certificate", ""),
        http_port=_port(found, "http_port", 80, where),
        https_port=_port(found, "https_port", 443, where),
        profile=found.get("profile", ""),
        endpoint=found.get("endpoint", ""),
        access_key=found.get("access_key", ""),
    )


def cloud_of(environment: "Environment") -> tuple[Host, ...]:
    """The region as a place, where the environment has something there; its options are the settings."""
    balancer = environment.balancer
    if balancer.provider != NAME:
        return ()
    settings = read_settings(balancer.options, environment.name)
    refuse_without_extra(environment.name)
    options = {**balancer.options, SERVES: "yes" if balancer.serves else "no"}
    return (Host(NAME, f"aws://{settings.region}", "", options=options),)


def settings_of(cloud: Host, environment: str) -> Settings:
    """The settings of the place that `cloud_of` made."""
    return read_settings({key: value for key, value in cloud.options.items() if key != SERVES}, environment)


def refuse_without_extra(environment: str, module: str = "boto3") -> None:
    """Refuse where the library is not installed, before anything is done. Raises `ConfigError`."""
    if find_spec(module) is None:
        raise ConfigError(
            f"the balancer aws needs {module}, which this Trellis does not have",
            where=f"environments/{environment}.yaml: balancer.provider",
            hint="pip install 'opencluster-trellis[aws]'",
        )


def _check(found: Mapping[str, str], where: str) -> None:
    if not _REGION.fullmatch(found["region"]):
        raise ConfigError(f"{found['region']!r} is not a region", where=f"{where}.region", hint="such as eu-west-1")
    if len(_listed(found["subnets"])) < _LEAST_SUBNETS:
        raise ConfigError("AWS wants subnets of at least two zones", where=f"{where}.subnets")
    if (scheme := found.get("scheme", _SCHEMES[0])) not in _SCHEMES:
        known = ", ".join(_SCHEMES)
        raise ConfigError(f"{scheme!r} is not one of {known}{near_miss(scheme, _SCHEMES)}", where=f"{where}.scheme")
    if (certificate := found.get("certificate", "")) and not certificate.startswith("arn:"):
        raise ConfigError(f"{certificate!r} is not an ARN", where=f"{where}.certificate")
    if (endpoint := found.get("endpoint", "")) and urlsplit(endpoint).scheme not in {"http", "https"}:
        raise ConfigError(f"{endpoint!r} is not a URL", where=f"{where}.endpoint")
    if bool(found.get("access_key")) != bool(found.get("access_key_secret")):
        raise ConfigError(
            "access_key and access_key_secret belong together",
            where=where,
            hint="access_key_secret is the name of a secret: trellis secret set NAME",
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(sorted({part for one in text.split(",") if (part := one.strip())}))


def _port(found: Mapping[str, str], key: str, usual: int, where: str) -> int:
    text = found.get(key, str(usual))
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65535:
        raise ConfigError(f"{text!r} is not a port", where=f"{where}.{key}")
    return port
