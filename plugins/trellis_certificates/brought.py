"""Certificates that the user brings: read from a folder on the controller, and refused unless they are good."""

from datetime import datetime
from pathlib import Path

from trellis.errors import ConfigError, UsageError
from trellis.pki.errors import UntrustedError
from trellis.pki.model import Credentials, Use
from trellis.pki.pem import load_certificates, load_credentials, without_root
from trellis.pki.verifying import check_key, check_links, check_names, check_strength, check_time, verify
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted
from trellis_dsl.secret import Secret

DEFAULT = "default"
_OTHERS_MAY_READ = 0o007


def brought(settings: Settings, wanted: Wanted, now: datetime) -> Credentials:
    """The user's certificate and key for these names.

    ``NAME.pem`` and ``NAME.key`` for a certificate of its own, else ``default.pem`` and ``default.key``.

    Args:
        settings: of the issuer ``files``.
        wanted: the names that it must be valid for.
        now: aware.

    Raises:
        ConfigError: there is no such file, or the certificate or the key is refused, and why.
    """
    chain, key = _files(Path(settings.folder), wanted.name)
    _refuse_open_key(key)
    found = load_credentials(_text(chain), Secret(_text(key)), str(chain))
    found = Credentials(found.certificate, found.key, without_root(found.chain)[1:])
    try:
        _check(found, settings, wanted, now)
    except UntrustedError as refused:
        hint = f"put a good one there; the hosts keep the one that they have (names: {', '.join(wanted.names)})"
        raise ConfigError(refused.what, where=f"{chain}: {refused.where}", hint=hint) from None
    return found


def _check(found: Credentials, settings: Settings, wanted: Wanted, now: datetime) -> None:
    check_key(found)
    for certificate in found.chain:
        check_time(certificate, now)
        check_strength(certificate)
    check_names(found.certificate, wanted.names)
    check_links(found.chain)
    if settings.ca:
        roots = load_certificates(_text(Path(settings.ca)), settings.ca)
        verify(found.chain, roots, Use.SERVER, now, for_names=wanted.names)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    for stem in (name, DEFAULT):
        chain, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        if chain.is_file() and key.is_file():
            return chain, key
    raise ConfigError(
        f"there is no certificate for {name}",
        where=str(folder),
        hint=f"put {name}.pem (the certificate, then what leads to its root) and {name}.key there, "
        f"or {DEFAULT}.pem and {DEFAULT}.key",
    )


def refuse_key_in(root: Path, settings: Settings) -> None:
    """Refuse a folder in the project: private keys lie where git does not find them. Raises `ConfigError`."""
    if Path(settings.folder).is_relative_to(root.resolve()):
        what = "private keys must not lie in the project"
        raise ConfigError(
            what, where=settings.folder, hint="move the folder, and say its new path in certificates.folder"
        )


def _refuse_open_key(key: Path) -> None:
    if key.stat().st_mode & _OTHERS_MAY_READ:
        raise ConfigError("everybody may read this key", where=str(key), hint=f"chmod 600 {key}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not PEM text"
    raise UsageError(f"cannot be read: {reason}", where=str(path))
