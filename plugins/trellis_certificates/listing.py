"""Which certificates an environment has, as data."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trellis.environments.keeping import load_kept
from trellis.environments.loading import check_exists
from trellis.environments.project import Project
from trellis.errors import ConfigError
from trellis.plans import Step
from trellis_certificates.kept import certificate_key, read_certificate
from trellis_certificates.model import CERTIFICATE, CertificateSpec
from trellis_dsl.secret import Secret


async def listed(project: Project, environment: str) -> list[dict[str, Any]]:
    """One entry a certificate, sorted by name; hosts that did not answer are in none."""
    from trellis.pipeline import bind, planning

    async with planning(bind(project, environment)) as planned:
        steps = [step for step in planned.plan.steps if step.key.kind == CERTIFICATE and step.resource]
        kept = planned.bound.kept
    return [entry | _renewal(entry["name"], kept) for entry in entries(steps, datetime.now(UTC))]


def _renewal(name: str, kept: Mapping[str, Secret]) -> dict[str, Any]:
    """When it is to be renewed, and whether its authority said so."""
    text = kept.get(certificate_key(name))
    found = read_certificate(text, name) if text else None
    return {"renew_at": found.renew_at.isoformat() if found else None, "advised": bool(found and found.advised)}


def entries(steps: list[Step], now: datetime) -> list[dict[str, Any]]:
    """The same from a plan's steps; pure."""
    found: dict[str, dict[str, Any]] = {}
    for step in steps:
        assert step.resource is not None  # noqa: S101 - for the type checker: those without are left out before
        spec = CertificateSpec.of(step.resource.spec)
        ends = datetime.fromisoformat(spec.ends) if spec.ends else None
        entry = found.setdefault(
            spec.name,
            {
                "name": spec.name,
                "names": list(spec.names),
                "issuer": spec.issuer,
                "valid_until": spec.ends or None,
                "days_left": (ends - now).days if ends else None,
                "due": spec.due or None,
                "hosts": [],
                "state": "in use",
            },
        )
        entry["hosts"].append(step.key.host)
        if step.verb != "keep":
            entry["state"] = step.reason
    return [found[name] for name in sorted(found)]


def root_certificate(project: Project, environment: str) -> str:
    """The root of the environment's own authority, as PEM.

    Raises:
        ConfigError: there is none yet.
    """
    from trellis.pki.pem import dump_certificates
    from trellis_certificates.kept import AUTHORITY, read_authority

    check_exists(project, environment)
    text = load_kept(project, environment).get(AUTHORITY)
    if text is None:
        raise ConfigError(
            f"{environment} has no authority of its own yet",
            hint=f"the first site over TLS with the issuer internal makes it: trellis up -e {environment}",
        )
    return dump_certificates(read_authority(text).chain)
