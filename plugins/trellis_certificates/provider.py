"""Keeps certificates, and answers to challenges, in the folders of balancers on hosts."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trellis.errors import TrellisError
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, HoldsCertificates, Scope
from trellis.resources import Actual, Resource
from trellis_certificates.asking import answered, served
from trellis_certificates.deciding import decide, drift
from trellis_certificates.facts import Printed, actual_of, parse
from trellis_certificates.holding import held_actual
from trellis_certificates.model import ANSWERS, CERTIFICATE, AnswersSpec, CertificateSpec
from trellis_certificates.record import ROOT
from trellis_certificates.scripts import script

if TYPE_CHECKING:
    from trellis_certificates.due import Clock
    from trellis_certificates.issuing import Issuing
    from trellis_certificates.placing import Placing


class CertificateProvider:
    """Provider of `certificate` and `acme-answers` resources; `model` has their specs.

    Args:
        clock: the time, aware; for tests.
    """

    kinds: Mapping[str, int] = {ANSWERS: 55, CERTIFICATE: 60}

    def __init__(self, clock: "Clock" = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._issuing: Issuing | None = None
        self._placing: Placing | None = None

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The files that Trellis put in place, and what the running balancers have of them.

        Raises:
            TrellisError: the folder could not be read.
        """
        host = session.host.name
        completed = await session.run(script("observe", f"{scope.folder}/{ROOT}"), sudo=scope.as_root)
        if completed.status != 0:
            raise TrellisError(
                f"certificates could not be looked at: {completed.stderr.strip()}",
                where=f"host {host}",
                hint="Trellis reads them as root: give its account sudo rights there",
            )
        found = tuple(parse(completed.stdout, host))
        answers = await asyncio.gather(*(_ask(session, printed) for printed in found))
        return [actual_of(printed, answer) for printed, answer in zip(found, answers, strict=True)]

    async def observe_cloud(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The certificates that a place keeps for its own balancer.

        Raises:
            TrellisError: it does not say.
        """
        if not isinstance(session, HoldsCertificates):
            return ()
        held = await session.held_certificates(scope)
        return [held_actual(one, session.host.name) for one in held]

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:  # noqa: ARG002 - no secrets
        """What is to be done about one certificate; pure."""
        return decide(desired, actual)

    def drift(self, actual: Actual) -> str:
        """What somebody else changed; pure."""
        return drift(actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Have the certificate issued where it is due, put it in place, and have it taken into use.

        Raises:
            ApplyError: it could not be issued, written or taken into use; the old one serves on.
        """
        placing = self._placing_of()
        if step.verb is Verb.REMOVE:
            await placing.remove(step, applying)
        elif step.verb is not Verb.KEEP and step.key.kind == ANSWERS:
            await placing.answers(step, applying)
        elif step.verb is not Verb.KEEP:
            await placing.certificate(step, applying, self._issuing_of(applying))

    def _placing_of(self) -> "Placing":
        """One for the whole run: steps take turns."""
        if self._placing is None:
            from trellis_certificates.placing import Placing  # brings cryptography in, which looking does not need

            self._placing = Placing()
        return self._placing

    def _issuing_of(self, applying: Applying) -> "Issuing":
        """One for the whole run: several hosts ask for one certificate."""
        if self._issuing is None:
            from trellis_certificates.issuing import Issuing

            assert applying.tools.keeper is not None  # noqa: S101 - for the type checker: a run has one
            scope = applying.scope
            self._issuing = Issuing(applying.tools.keeper, self._clock, f"{scope.stack}/{scope.environment}")
        return self._issuing


async def _ask(session: HostSession, printed: Printed) -> str:
    spec = printed.record.spec
    if printed.key.kind == ANSWERS:
        answers = AnswersSpec.of(spec)
        return await answered(session, answers.ports, answers.name)
    certificate = CertificateSpec.of(spec)
    return await served(session, certificate.ports, certificate.name)
