"""An environment's own signing key and authority: made at first use, kept encrypted, renewed before they end."""

from datetime import datetime
from typing import Protocol

from trellis.errors import ConfigError
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.pem import bundle, dump_certificates, load_credentials
from trellis.pki.revoking import Revoked, revoked
from trellis_dsl.secret import Secret

_AUTHORITY = "publishing-authority"
_SIGNER = "publishing"


class Keeps(Protocol):
    """Where keys are kept, encrypted."""

    def get(self, key: str) -> Secret | None:
        """What is kept under a key."""
        ...

    def put(self, key: str, value: Secret) -> None:
        """Keep something under a key."""
        ...


def signer_name(stack: str, environment: str) -> str:
    """The common name of who signs for an environment."""
    return f"{stack}/{environment} publishing"[:64]


def authority(keeps: Keeps, stack: str, environment: str, now: datetime) -> Credentials:
    """The authority that issues the environment's signing certificates; made when there is none."""
    found = kept(keeps, _AUTHORITY)
    if found is not None:
        return found
    made = create_authority(f"Trellis {stack}/{environment} publishing", now)
    keeps.put(_AUTHORITY, bundle(made))
    return made


def signer(keeps: Keeps, stack: str, environment: str, now: datetime) -> Credentials:
    """The environment's signing key and certificate; renewed when a third of its lifetime or less is left."""
    found = kept(keeps, _SIGNER)
    if found is not None and not _ends_soon(found, now):
        return found
    issuer = authority(keeps, stack, environment, now)
    made = issue(issuer, Leaf(signer_name(stack, environment), Use.SIGNING), now)
    keeps.put(_SIGNER, bundle(made))
    return made


def renew(keeps: Keeps, stack: str, environment: str, now: datetime) -> Revoked | None:
    """Make a new signing key; the entry that takes the old certificate back, None when there was none."""
    old = kept(keeps, _SIGNER)
    issuer = authority(keeps, stack, environment, now)
    keeps.put(_SIGNER, bundle(issue(issuer, Leaf(signer_name(stack, environment), Use.SIGNING), now)))
    return revoked(old.certificate, now, "keyCompromise") if old else None


def authority_text(credentials: Credentials) -> str:
    """The authority's certificate, as PEM: what others trust."""
    return dump_certificates([credentials.certificate])


def kept(keeps: Keeps, key: str) -> Credentials | None:
    """A key with its certificate, as it is kept; None when there is none. Raises `ConfigError` when it is damaged."""
    text = keeps.get(key)
    if text is None:
        return None
    try:
        return load_credentials(text.reveal(), text, key)
    except ConfigError as fault:
        raise ConfigError(f"the kept key is damaged: {fault.what}", where=key) from None


def _ends_soon(credentials: Credentials, now: datetime) -> bool:
    certificate = credentials.certificate
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - now <= (end - start) / 3
