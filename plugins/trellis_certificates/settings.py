"""The environment's ``certificates``: who issues, and what that one needs to know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

from trellis.environments.reading import near_miss
from trellis.errors import ConfigError

IssuerName: TypeAlias = Literal["internal", "letsencrypt", "files"]

PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"

_KEYS: Mapping[str, tuple[str, ...]] = {
    "internal": ("days",),
    "letsencrypt": ("contact", "directory", "directory_ca"),
    "files": ("folder", "ca"),
}
_LIBRARIES = ("acme", "josepy")
_LONGEST = 398  # days; browsers take no server's certificate that lasts longer
_LEAST = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What an environment says about its certificates.

    Attributes:
        issuer: who issues.
        lifetime: of certificates that Trellis's own authority issues.
        directory: the ACME directory's URL.
        contact: a mail address for the ACME account.
        directory_ca: a file with the roots that the directory's own certificate leads to; empty for public ones.
        folder: where the user's files are.
        ca: a file with the roots that the user's certificates must lead to; empty checks the chain alone.
    """

    issuer: IssuerName = "internal"
    lifetime: timedelta = timedelta(days=90)
    directory: str = ""
    contact: str = ""
    directory_ca: str = ""
    folder: str = ""
    ca: str = ""

    @property
    def source(self) -> str:
        """Who issues, in one word that changes when it is somebody else: ``internal``, a directory's URL, ``files``."""
        return self.directory or self.issuer

    def as_found(self) -> dict[str, str]:
        """As an environment file would have it, with absolute paths: `read_settings` gives the same again."""
        found = {"issuer": self.issuer, "days": str(self.lifetime.days)} if self.issuer == "internal" else {}
        texts = ("issuer", *_KEYS[self.issuer]) if self.issuer != "internal" else ()
        return found | {key: str(getattr(self, key)) for key in texts if getattr(self, key)}

    @property
    def title(self) -> str:
        """How sentences name the issuer."""
        if self.directory:
            return urlsplit(self.directory).netloc
        return "Trellis's own authority" if self.issuer == "internal" else f"the files in {self.folder}"


def read_settings(found: Mapping[str, str], environment: str, root: Path) -> Settings:
    """The settings, checked; relative paths start in the stack's folder.

    Raises:
        ConfigError: an unknown issuer or key, or a value that is none.
    """
    where = f"environments/{environment}.yaml: certificates"
    issuer = found.get("issuer", "internal")
    if issuer not in _KEYS:
        known = ", ".join(_KEYS)
        raise ConfigError(f"{issuer!r} is not one of {known}{near_miss(issuer, _KEYS)}", where=f"{where}.issuer")
    known_keys = ("issuer", *_KEYS[issuer])
    for key in found:
        if key not in known_keys:
            what = f"{key} means nothing to the issuer {issuer}{near_miss(key, known_keys)}"
            raise ConfigError(what, where=where, hint=f"it knows {', '.join(known_keys)}")
    return Settings(
        issuer=cast("IssuerName", issuer),
        lifetime=_lifetime(found.get("days", "90"), where),
        directory=_directory(found.get("directory", ""), where) if issuer == "letsencrypt" else "",
        contact=_contact(found.get("contact", ""), where),
        directory_ca=_path(found.get("directory_ca", ""), root),
        folder=_folder(found.get("folder", ""), where, root) if issuer == "files" else "",
        ca=_path(found.get("ca", ""), root),
    )


def refuse_without_extra(environment: str, modules: Iterable[str] = _LIBRARIES) -> None:
    """Refuse an ACME issuer where its libraries are not installed, before anything is done. Raises `ConfigError`."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise ConfigError(
            f"the issuer letsencrypt needs {' and '.join(missing)}, which this Trellis does not have",
            where=f"environments/{environment}.yaml: certificates.issuer",
            hint="pip install 'opencluster-trellis[acme]'",
        )


def _lifetime(text: str, where: str) -> timedelta:
    days = int(text) if text.isascii() and text.isdigit() else 0
    if not _LEAST <= days <= _LONGEST:
        raise ConfigError(f"{text!r} is not a number of days from {_LEAST} to {_LONGEST}", where=f"{where}.days")
    return timedelta(days=days)


def _directory(text: str, where: str) -> str:
    """``staging`` and ``production`` are Let's Encrypt's own; anything else is a URL."""
    url = {"": PRODUCTION, "production": PRODUCTION, "staging": STAGING}.get(text, text)
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc:
        hint = "write staging, production, or the directory's https:// URL"
        raise ConfigError(f"{text!r} is not the directory of an ACME authority", where=f"{where}.directory", hint=hint)
    return url


def _contact(text: str, where: str) -> str:
    name, at, domain = text.partition("@")
    if text and not (at and name and "." in domain and text.isascii() and text.isprintable() and " " not in text):
        raise ConfigError(f"{text!r} is not a mail address", where=f"{where}.contact")
    return text


def _folder(text: str, where: str, root: Path) -> str:
    if not text:
        raise ConfigError(
            "the issuer files needs a folder", where=where, hint="write folder: with NAME.pem and NAME.key in it"
        )
    return _path(text, root)


def _path(text: str, root: Path) -> str:
    return str((root / text).resolve()) if text else ""
