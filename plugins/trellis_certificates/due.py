"""Whether a kept certificate is still the right one, and why not; pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from trellis.pki.identifying import issuer_key_id, key_id
from trellis.pki.model import Credentials
from trellis_certificates.kept import KeptCertificate
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted

Clock = Callable[[], datetime]
"""The time, aware."""

_MANY_HOURS = timedelta(hours=48)


def why_due(
    kept: KeptCertificate | None, wanted: Wanted, settings: Settings, authority: Credentials | None, now: datetime
) -> str:
    """Why a new certificate is to be issued; empty while the kept one is the right one.

    Args:
        kept: what is kept under the certificate's name; None when nothing is.
        wanted: what the stack needs.
        settings: who issues.
        authority: Trellis's own authority; None before there is one.
        now: aware.
    """
    if kept is None:
        return f"none yet, from {settings.title}"
    return next(_reasons(kept, wanted, settings, authority, now), "")


def _reasons(
    kept: KeptCertificate, wanted: Wanted, settings: Settings, authority: Credentials | None, now: datetime
) -> Iterator[str]:
    """Every reason, the one that weighs most first."""
    ends = kept.credentials.ends()
    if kept.source != settings.source:
        yield f"issued by {kept.source}, wanted from {settings.title}"
    if difference := name_difference(kept.names, wanted.names):
        yield f"names: {difference}"
    if ends <= now:
        yield f"expired {span(now - ends)} ago"
    if settings.issuer == "internal" and not _is_from(kept, authority):
        yield "issued by an authority that is no longer Trellis's own"
    if kept.renew_at <= now:
        advised = "its authority asks for a new one; " if kept.advised else ""
        yield f"{advised}expires in {span(ends - now)}"


def name_difference(has: Sequence[str], needs: Sequence[str]) -> str:
    """``+ www.shop.example, - old.shop.example``; empty when they are the same."""
    more = [f"+ {name}" for name in sorted(set(needs) - set(has))]
    less = [f"- {name}" for name in sorted(set(has) - set(needs))]
    return ", ".join([*more, *less])


def span(time: timedelta) -> str:
    """``20 days``; ``5 hours`` below two days."""
    if time >= _MANY_HOURS:
        return f"{time.days} days"
    hours = int(time.total_seconds() // 3600)
    return "1 hour" if hours == 1 else f"{hours} hours"


def _is_from(kept: KeptCertificate, authority: Credentials | None) -> bool:
    return authority is not None and issuer_key_id(kept.credentials.certificate) == key_id(authority.certificate)
