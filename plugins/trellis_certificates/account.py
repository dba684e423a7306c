"""The account at an ACME authority: its key, and what must be remembered about it; pure."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from trellis.errors import ConfigError
from trellis.pki.issuing import new_key
from trellis.pki.pem import dump_key, load_key
from trellis.plugin.contracts import Keeper
from trellis.values import canonical
from trellis_certificates.settings import Settings
from trellis_dsl.secret import Secret

_COORDINATE_BYTES = 32  # of P-256


@dataclass(frozen=True, slots=True)
class Account:
    """An account.

    Attributes:
        key: EC P-256; its thumbprint answers the challenges, and is no secret.
        uri: what the authority calls the account; empty before it was asked.
        wait_until: the authority asked not to be asked before; None when it did not.
    """

    key: EllipticCurvePrivateKey
    uri: str = ""
    wait_until: datetime | None = None

    def to_secret(self) -> Secret:
        """As it is kept."""
        wait = self.wait_until.isoformat() if self.wait_until else ""
        return Secret(canonical({"key": dump_key(self.key).reveal(), "uri": self.uri, "wait_until": wait}))

    def waiting(self, until: datetime | None) -> "Account":
        """The same, not to be used before a moment."""
        return replace(self, wait_until=until)


def account_key(directory: str) -> str:
    """The key under which the account at a directory is kept."""
    return f"account.{hashlib.sha256(directory.encode()).hexdigest()[:16]}"


def new_account() -> Account:
    """A new key; the authority is told of it by the first order."""
    return Account(new_key())


def read_account(text: Secret, directory: str) -> Account:
    """A kept account.

    Raises:
        ConfigError: it is not one.
    """
    where = f"what is kept as {account_key(directory)}"
    try:
        value = json.loads(text.reveal())
        key = load_key(Secret(str(value["key"])), where)
        wait = datetime.fromisoformat(value["wait_until"]) if value["wait_until"] else None
        uri = str(value["uri"])
    except (ValueError, KeyError, TypeError):
        problem = ConfigError("not readable", where=where)
    else:
        if isinstance(key, EllipticCurvePrivateKey):
            return Account(key, uri, wait)
        problem = ConfigError("not a key of an account", where=where)
    raise problem  # out here, so that it carries no error that holds the text


def thumbprint(key: EllipticCurvePrivateKey) -> str:
    """The thumbprint of the key's public half (RFC 7638): what every challenge's answer ends with (RFC 8555 §8.1)."""
    numbers = key.public_key().public_numbers()
    x, y = (_base64(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    text = canonical({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    return _base64(hashlib.sha256(text.encode()).digest())


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def kept_account(settings: Settings, keeper: Keeper) -> Account:
    """The account at the environment's directory; a new one is kept before anybody hears of it."""
    text = keeper.get(account_key(settings.directory))
    if text:
        return read_account(text, settings.directory)
    account = new_account()
    keeper.put(account_key(settings.directory), account.to_secret())
    return account
