"""Gets the certificate that a resource asks for: the one that is kept, or a new one; each is ordered once a run."""

import asyncio
from collections import defaultdict
from collections.abc import MutableMapping

from trellis.errors import ApplyError, TrellisError
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.pem import bundle
from trellis.plugin.contracts import Keeper, Report
from trellis_certificates.due import Clock, name_difference, span, why_due
from trellis_certificates.kept import (
    AUTHORITY,
    KeptCertificate,
    certificate_key,
    kept_certificate,
    read_authority,
    read_certificate,
)
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted


class Issuing:
    """The certificates of one run.

    Args:
        keeper: where they are kept.
        clock: the time, aware.
        stack: the stack's name and the environment's, ``shop/prod``.

    Attributes:
        now: the clock.
    """

    def __init__(self, keeper: Keeper, clock: Clock, stack: str) -> None:
        self._keeper, self.now, self._stack = keeper, clock, stack
        self._turns: MutableMapping[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._failed: dict[str, TrellisError] = {}

    async def certificate(self, wanted: Wanted, settings: Settings, report: Report) -> Credentials:
        """The certificate for these names; a renewal that fails gives the old one while it lasts.

        Several hosts may ask for one certificate at once: the first one has it issued, also when that fails.

        Raises:
            TrellisError: it could not be issued, and there is no old one that helps.
        """
        async with self._turns[wanted.name]:
            kept = self._kept(wanted.name)
            if kept and not why_due(kept, wanted, settings, self._authority(), self.now()):
                return kept.credentials
            try:
                return await self._issued(wanted, settings, report)
            except TrellisError as error:
                self._failed[wanted.name] = error
                return self._old(kept, wanted, error, report)

    async def _issued(self, wanted: Wanted, settings: Settings, report: Report) -> Credentials:
        if wanted.name in self._failed:
            raise self._failed[wanted.name]
        report(f"asking {settings.title} for {', '.join(wanted.names)}")
        if settings.directory:
            from trellis_certificates.ordering import ordered

            new = await ordered(wanted, settings, self._keeper, self.now)
        else:
            new = kept_certificate(self._from_own_authority(wanted, settings), settings.source)
        self._keeper.put(certificate_key(wanted.name), new.to_secret())
        return new.credentials

    def _from_own_authority(self, wanted: Wanted, settings: Settings) -> Credentials:
        authority = self._authority()
        if authority is None:
            authority = create_authority(f"Trellis {self._stack}", self.now())
            self._keeper.put(AUTHORITY, bundle(authority))
        return issue(authority, Leaf(wanted.name, Use.SERVER, wanted.names, settings.lifetime), self.now())

    def _old(self, kept: KeptCertificate | None, wanted: Wanted, error: TrellisError, report: Report) -> Credentials:
        now = self.now()
        if kept is None or kept.credentials.ends() <= now or name_difference(kept.names, wanted.names):
            raise self._refused(kept, wanted, error) from error
        end = kept.credentials.ends()
        report(
            f"warning: {wanted.name} was not renewed: {error.what}; "
            f"the old certificate lasts until {end:%Y-%m-%d %H:%M} UTC, for {span(end - now)}"
        )
        return kept.credentials

    def _refused(self, kept: KeptCertificate | None, wanted: Wanted, error: TrellisError) -> ApplyError:
        end = kept.credentials.ends() if kept else None
        stays = f"the old certificate stays, for {', '.join(kept.names)} until {end:%Y-%m-%d}" if kept else ""
        hint = "; ".join(part for part in (error.hint, stays) if part)
        return ApplyError(f"no certificate for {wanted.name}: {error.what}", where=error.where, hint=hint or None)

    def _kept(self, name: str) -> KeptCertificate | None:
        text = self._keeper.get(certificate_key(name))
        return read_certificate(text, name) if text else None

    def _authority(self) -> Credentials | None:
        text = self._keeper.get(AUTHORITY)
        return read_authority(text) if text else None
