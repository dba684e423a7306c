"""Orders a certificate from an ACME authority (RFC 8555) for a run: keeps the account, waits, orders again."""

import asyncio
from datetime import datetime, timedelta

from trellis.errors import TrellisError
from trellis.pki.issuing import new_key
from trellis.pki.model import Credentials
from trellis.pki.pem import load_certificates
from trellis.plugin.contracts import Keeper
from trellis_certificates.account import Account, account_key, kept_account
from trellis_certificates.acme_client import AskedToWaitError, Authority, TryAgainError
from trellis_certificates.due import Clock
from trellis_certificates.kept import KeptCertificate, kept_certificate, with_advice
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted

_ATTEMPTS = 4
_FIRST_PAUSE = 1.0
_LONGEST_WAIT = timedelta(seconds=30)
"""How long a run waits when the authority asks for it; a longer time is left to a later run."""


async def ordered(wanted: Wanted, settings: Settings, keeper: Keeper, clock: Clock) -> KeptCertificate:
    """A new certificate; what fails by chance is ordered again as a whole.

    Raises:
        TrellisError: the authority refused, does not answer, or asked to wait for longer than a run should.
    """
    _refuse_to_hurry(kept_account(settings, keeper), settings, clock())
    pause = _FIRST_PAUSE
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await _ordered_once(wanted, settings, keeper)
        except AskedToWaitError as asked:
            if asked.wait > _LONGEST_WAIT or attempt == _ATTEMPTS:
                waiting = kept_account(settings, keeper).waiting(clock() + asked.wait)
                keeper.put(account_key(settings.directory), waiting.to_secret())
                raise
            await asyncio.sleep(asked.wait.total_seconds())
        except TryAgainError:
            if attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(pause)
            pause *= 2
    raise AssertionError  # the last attempt returns or raises


async def _ordered_once(wanted: Wanted, settings: Settings, keeper: Keeper) -> KeptCertificate:
    account = kept_account(settings, keeper)
    authority = Authority(settings, account)
    key = new_key()
    try:
        chain = await asyncio.to_thread(authority.order, key, wanted.names)
    finally:
        if authority.uri != account.uri:
            keeper.put(account_key(settings.directory), Account(account.key, authority.uri).to_secret())
    certificate, *above = load_certificates(chain, settings.title)
    kept = kept_certificate(Credentials(certificate, key, tuple(above)), settings.source)
    advised = await asyncio.to_thread(authority.advised_time, kept.credentials)
    return with_advice(kept, advised) if advised else kept


def _refuse_to_hurry(account: Account, settings: Settings, now: datetime) -> None:
    if account.wait_until and now < account.wait_until:
        raise TrellisError(
            f"{settings.title} asked not to be asked before {account.wait_until:%Y-%m-%d %H:%M} UTC",
            hint="wait, then: trellis renew",
        )
