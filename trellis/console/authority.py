"""The console's own authority, and the certificates that it issued; all kept encrypted, one key each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.x509 import Certificate

from trellis.errors import UsageError
from trellis.pki.identifying import serial
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.pem import bundle, dump_certificates, load_certificates
from trellis.pki.revoking import Revoked, from_data, revoked
from trellis.pki.verifying import title, verify
from trellis.signing.keys import Keeps, kept
from trellis_dsl.secret import Secret

LIFETIME = timedelta(days=365)
_AUTHORITY = "console-authority"
_SERVER = "console-server"
_CLIENT = "console-client."
_REVOKED = "console-revoked."


class KeepsAll(Keeps, Protocol):
    """Where keys are kept, encrypted, and can be listed."""

    def all(self) -> Mapping[str, Secret]:
        """Everything that is kept, by key."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may read: clients of one authority whose certificate was not taken back."""

    roots: tuple[Certificate, ...]
    revoked: tuple[Revoked, ...]

    def check(self, certificate: Certificate, now: datetime) -> None:
        """Raise `UntrustedError` unless the certificate is a client's of this console, and good now."""
        verify([certificate], self.roots, Use.CLIENT, now, revoked=self.revoked)


def authority(keeps: Keeps, stack: str, environment: str, now: datetime) -> Credentials:
    """The authority of an environment's console; made when there is none."""
    found = kept(keeps, _AUTHORITY)
    if found is not None:
        return found
    made = create_authority(f"Trellis {stack}/{environment} console", now)
    keeps.put(_AUTHORITY, bundle(made))
    return made


def issue_server(issuer: Credentials, keeps: Keeps, hosts: tuple[str, ...], lifetime: timedelta, now: datetime) -> None:
    """Issue the console's own certificate for DNS names and addresses; it takes the place of the one before."""
    keeps.put(_SERVER, bundle(issue(issuer, Leaf(hosts[0], Use.SERVER, hosts, lifetime), now)))


def server(keeps: Keeps, environment: str) -> Credentials:
    """The console's own certificate with its key.

    Raises:
        UsageError: none was issued.
    """
    found = kept(keeps, _SERVER)
    if found is None:
        raise UsageError(
            f"the console of {environment} has no certificate yet",
            hint=f"trellis cert issue --server NAME -e {environment}",
        )
    return found


def issue_client(issuer: Credentials, keeps: Keeps, name: str, lifetime: timedelta, now: datetime) -> Credentials:
    """Issue a certificate for who may pull; only the certificate is kept here, the key goes to them."""
    made = issue(issuer, Leaf(name, Use.CLIENT, (), lifetime), now)
    number = serial(made.certificate).lower()
    keeps.put(f"{_CLIENT}{number}", Secret(dump_certificates([made.certificate])))
    return made


def revoke_client(keeps: KeepsAll, name: str, reason: str, now: datetime) -> int:
    """Take back every certificate of a client; how many there were.

    Raises:
        UsageError: there is none of that name that was not taken back already.
    """
    gone = {entry.serial for entry in _revoked(keeps.all())}
    issued = list(_clients(keeps.all()))
    found = [item for item in issued if _is_of(item, name) and serial(item) not in gone]
    if not found:
        there = sorted({title(item).removeprefix("certificate ") for item in issued if serial(item) not in gone})
        raise UsageError(f"no client {name} has a certificate; there are: {', '.join(there) or 'none'}")
    for certificate in found:
        entry = revoked(certificate, now, reason)
        keeps.put(f"{_REVOKED}{entry.serial.lower()}", Secret(json.dumps(entry.to_data())))
    return len(found)


def admission(keeps: KeepsAll) -> Admission:
    """Who may read, as it is now."""
    everything = keeps.all()
    issuer = kept(keeps, _AUTHORITY)
    roots = (issuer.certificate,) if issuer else ()
    return Admission(roots, tuple(_revoked(everything)))


def _clients(everything: Mapping[str, Secret]) -> Iterator[Certificate]:
    for key, text in everything.items():
        if key.startswith(_CLIENT):
            yield from load_certificates(text.reveal(), key)


def _revoked(everything: Mapping[str, Secret]) -> Iterator[Revoked]:
    for key, text in everything.items():
        if key.startswith(_REVOKED):
            yield from_data(json.loads(text.reveal()), key)


def _is_of(certificate: Certificate, name: str) -> bool:
    return title(certificate) == f"certificate {name}"
