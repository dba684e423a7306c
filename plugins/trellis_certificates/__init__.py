"""Certificates for the sites of a stack: from Trellis's own authority, an ACME authority, or brought by the user."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl
from trellis.plugin.commands import CommandSpec

if TYPE_CHECKING:  # every start of the command line imports this module
    from pathlib import Path

    from trellis.deployment import Deployment
    from trellis.environments.model import Environment
    from trellis.plugin.contracts import Provider
    from trellis.resources import Resource

__all__ = ["trellis_check", "trellis_commands", "trellis_providers", "trellis_resources"]


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of `certificate` and `acme-answers` resources."""
    from trellis_certificates.provider import CertificateProvider

    return (CertificateProvider(),)


@hookimpl
def trellis_check(environment: "Environment", root: "Path") -> Sequence[str]:
    """The environment's ``certificates`` make sense, and what their issuer needs is installed."""
    from trellis_certificates.settings import read_settings, refuse_without_extra

    if read_settings(environment.certificates, environment.name, root).directory:
        refuse_without_extra(environment.name)
    return ()


@hookimpl
def trellis_resources(deployment: "Deployment") -> "Sequence[Resource]":
    """A `certificate` for each name that a balancer serves over TLS, on each host where it does."""
    from trellis_certificates.wanting import certificate_resources

    return certificate_resources(deployment)


@hookimpl
def trellis_commands() -> Sequence[CommandSpec]:
    """The commands ``cert`` and ``renew``."""
    return (
        CommandSpec("cert", "trellis_certificates.cli:cert", "list certificates, renew them, print Trellis's own root"),
        CommandSpec("renew", "trellis_certificates.cli:renew", "renew the certificates that are due, for a timer"),
    )
