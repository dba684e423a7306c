"""Renews what is due: the same plan as ever, of which only the steps about certificates are done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from trellis.cli.output import progress
from trellis.environments.keeping import KeptFile
from trellis.environments.loading import load_environment
from trellis.environments.project import Project
from trellis.errors import ApplyError, ConfigError
from trellis.pipeline import Planned, bind, planning
from trellis.plans import Plan, Step, Verb
from trellis_certificates.kept import KeptCertificate, certificate_key, read_certificate, with_advice
from trellis_certificates.model import ANSWERS, CERTIFICATE, CertificateSpec
from trellis_certificates.settings import Settings, read_settings

_PARALLEL = 10
_OURS = frozenset({CERTIFICATE, ANSWERS})
_PREFIX = certificate_key("")


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a run did.

    Attributes:
        names: certificates that are new.
        failed: a sentence for each that is still due.
        hint: what to do about those.
    """

    names: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    hint: str = ""

    def refuse_failures(self) -> None:
        """Raise `ApplyError` when something is still due."""
        if self.failed:
            raise ApplyError("; ".join(self.failed), hint=self.hint)


def renewed(project: Project, environment: str, lock_wait: float, before: Callable[[], None]) -> Renewed:
    """Do what is due, under the environment's lock.

    Args:
        project: where everything is.
        environment: its name.
        lock_wait: seconds to wait for the lock.
        before: what decides, or makes, that something is due; called with the lock held.

    Raises:
        LockedError: somebody else holds the lock.
        ApplyError: a step failed.
    """
    from trellis.cli.running import command_line, locked

    load_environment(project, environment)
    with locked(project.state_url, environment, command_line(), lock_wait) as recording:
        from trellis.cli.running import apply_plan

        before()

        async def run() -> Renewed:
            async with planning(bind(project, environment)) as planned:
                some = certificates_alone(planned.plan)
                if not some.changes:
                    return Renewed(failed=waiting(planned.plan), hint=f"trellis up -e {environment}")
                _tell(some)
                await apply_plan(replace(planned, plan=some), recording, _PARALLEL, partial=True)
            async with planning(bind(project, environment)) as after:
                return _outcome(some, after, environment)

        return asyncio.run(run())


def certificates_alone(plan: Plan) -> Plan:
    """The plan's steps about certificates that wait for no other step; pure."""
    ours = {step.key: step for step in plan.changes if step.key.kind in _OURS and step.verb is not Verb.REMOVE}
    while free := {key: step for key, step in ours.items() if set(step.requires) <= ours.keys()}:
        if len(free) == len(ours):
            break
        ours = free
    return replace(plan, steps=tuple(step for step in plan.steps if step.key in free))


def waiting(plan: Plan) -> tuple[str, ...]:
    """Sentences about certificates that are due and wait for other changes; pure."""
    due = (step for step in plan.changes if step.key.kind == CERTIFICATE and _spec(step) and _spec(step).due)  # type: ignore[union-attr]  # asked before
    return tuple(f"{step.key.name} on {step.key.host} waits for other changes: {step.reason}" for step in due)


def make_due(project: Project, environment: str, names: Sequence[str]) -> None:
    """Have certificates renewed by the next plan, all of them when no name is given.

    Raises:
        ConfigError: there is none of that name, or the user brings them.
    """
    settings = _settings(project, environment)
    if settings.issuer == "files":
        raise ConfigError(
            "your own certificates are renewed by you", where=environment, hint=f"put new ones into {settings.folder}"
        )
    keeper = KeptFile(project, environment)
    kept = _kept(keeper)
    for name in names or sorted(kept):
        if name not in kept:
            there = ", ".join(sorted(kept)) or "none"
            raise ConfigError(f"there is no certificate {name}; there are: {there}", where=environment)
        keeper.put(certificate_key(name), replace(kept[name], renew_at=datetime.now(UTC), advised=False).to_secret())


def take_advice(project: Project, environment: str) -> None:
    """Ask the ACME authority when it wants its certificates to be renewed (RFC 9773)."""
    settings = _settings(project, environment)
    keeper = KeptFile(project, environment)
    own = {name: kept for name, kept in _kept(keeper).items() if kept.source == settings.directory}
    if not own:
        return
    from trellis_certificates.account import kept_account
    from trellis_certificates.acme_client import Authority

    authority = Authority(settings, kept_account(settings, keeper))
    for name, kept in own.items():
        advised = authority.advised_time(kept.credentials)
        if advised and advised != kept.renew_at:
            keeper.put(certificate_key(name), with_advice(kept, advised).to_secret())


def _kept(keeper: KeptFile) -> dict[str, KeptCertificate]:
    texts = {key: text for key, text in keeper.all().items() if key.startswith(_PREFIX)}
    return {key.removeprefix(_PREFIX): read_certificate(text, key.removeprefix(_PREFIX)) for key, text in texts.items()}


def _settings(project: Project, environment: str) -> Settings:
    return read_settings(load_environment(project, environment).certificates, environment, project.root)


def _spec(step: Step) -> CertificateSpec | None:
    return CertificateSpec.of(step.resource.spec) if step.resource and step.key.kind == CERTIFICATE else None


def _tell(plan: Plan) -> None:
    for step in plan.changes:
        progress(f"{step.key.kind} {step.key.name} on {step.key.host}: {step.reason}")


def _outcome(done: Plan, after: Planned, environment: str) -> Renewed:
    still = {spec.name: spec for step in after.plan.steps if (spec := _spec(step)) and spec.due}
    asked = {spec.name for step in done.changes if (spec := _spec(step))}
    failed = tuple(f"{name} was not renewed: {still[name].due}" for name in sorted(asked & still.keys()))
    return Renewed(
        tuple(sorted(asked - still.keys())), failed, f"the reason is above; again: trellis renew -e {environment}"
    )
