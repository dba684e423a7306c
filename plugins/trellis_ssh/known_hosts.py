"""Which host keys are trusted: known_hosts files, strict, with fingerprints that people can compare."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.errors import ConfigError, NotAuthorisedError
from trellis_ssh.target import Route, Target

if TYPE_CHECKING:
    import asyncssh

# What we accept, best first; older kinds (ssh-dss, SHA-1 signatures) are not among them (RFC 8332, RFC 9142).
_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key.

    Attributes:
        target: whose it is.
        fingerprint: ``SHA256:…`` as ssh-keygen -l shows it.
        line: its line in a known_hosts file, without a line end.
    """

    target: Target
    fingerprint: str
    line: str


def project_file() -> Path | None:
    """The known_hosts file of the project around the current folder; None outside of projects."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "trellis.yaml").is_file():
            return folder / ".trellis" / "known_hosts"
    return None


def files_for(route: Route) -> tuple[Path, ...]:
    """The files that say which keys are trusted: the host's own option, else the project's and the account's.

    Raises:
        ConfigError: the option names a file that cannot be read.
    """
    named = route.known_hosts
    if named is not None and named.exists() and not os.access(named, os.R_OK):
        raise ConfigError(f"the file of known host keys cannot be read: {named}")
    return tuple(path for path in candidates(route) if os.access(path, os.R_OK))


def candidates(route: Route) -> tuple[Path, ...]:
    """The same, whether they are there or not."""
    if route.known_hosts is not None:
        return (route.known_hosts,)
    usual = (project_file(), Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts"))
    return tuple(path for path in usual if path is not None)


def load(files: Sequence[Path]) -> "asyncssh.SSHKnownHosts":
    """The trusted keys.

    Raises:
        ConfigError: a file is not one of known hosts.
    """
    return _parsed(tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files))


@lru_cache(maxsize=8)
def _parsed(files: tuple[tuple[str, int, int], ...]) -> "asyncssh.SSHKnownHosts":
    """Read once for all hosts, and again when a file (path, time, size) has changed."""
    import asyncssh

    paths = [path for path, _, _ in files]
    try:
        return asyncssh.read_known_hosts(paths)
    except ValueError as error:
        raise ConfigError(f"not a file of known host keys: {error}", where=" or ".join(paths)) from error


def algorithms(known: "asyncssh.SSHKnownHosts", target: Target) -> list[str] | None:
    """Which kinds of key to ask the host for: the known ones first, so that another kind is no false alarm.

    None when the host's key may be vouched for by a certificate authority: the library then chooses.
    """
    keys, authorities, *_ = known.match(target.address, "", _port(target))
    if authorities:
        return None
    known_kinds = [kind.decode() for key in keys for kind in key.sig_algorithms]
    return sorted(_ALGORITHMS, key=lambda kind: kind not in known_kinds)


def known_fingerprints(known: "asyncssh.SSHKnownHosts", target: Target) -> list[str]:
    """Fingerprints of the keys that are trusted for a host, revoked ones left out."""
    keys, _, revoked, *_ = known.match(target.address, "", _port(target))
    return [key.get_fingerprint() for key in keys if key not in revoked]


def as_host_key(target: Target, key: "asyncssh.SSHKey") -> HostKey:
    """A key as it is shown and written down."""
    public = key.export_public_key("openssh").decode().split()
    return HostKey(target, key.get_fingerprint(), f"{target.known_as} {public[0]} {public[1]}")


class HostKeyError(NotAuthorisedError):
    """A host's key is not the one that is known, or none is known.

    Attributes:
        key: the key that it offers.
        known: fingerprints of the known ones; empty for a host that is not known yet.
    """

    def __init__(self, what: str, *, hint: str, key: HostKey, known: Sequence[str]) -> None:
        super().__init__(what, hint=hint)
        self.key = key
        self.known = tuple(known)


def refusal(label: str, host: str, key: HostKey, known: Sequence[str]) -> HostKeyError:
    """Why a key was not accepted: it is unknown, or it is not the one that is known.

    Args:
        label: whose it is, as it is said: the host's name, or its jump host.
        host: the host's name, for the command that trusts the key.
        key: what was offered.
        known: fingerprints of the known ones.
    """
    trust = f"trellis host trust {host} --fingerprint {key.fingerprint}"
    if not known:
        return HostKeyError(
            f"the host key of {label} ({key.target}) is not known yet: {key.fingerprint}",
            hint="compare it with what the host itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), "
            f"then: {trust}",
            key=key,
            known=known,
        )
    return HostKeyError(
        f"the host key of {label} ({key.target}) has changed: it is {key.fingerprint}, known is {', '.join(known)}",
        hint="somebody may be listening in. Only when you know that the host was set up anew: "
        f"ssh-keygen -R '{key.target.known_as}' -f KNOWN_HOSTS_FILE, then: {trust}",
        key=key,
        known=known,
    )


def remember(path: Path, key: HostKey) -> None:
    """Add a key to a file of known hosts, once; the file is replaced in one go."""
    before = path.read_text() if path.exists() else ""
    if key.line in before.splitlines():
        return
    if before and not before.endswith("\n"):
        before += "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".known_hosts.")
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{before}{key.line}\n")
        os.fchmod(file.fileno(), 0o644)
    Path(unfinished).replace(path)


def _port(target: Target) -> int | None:
    return None if target.known_as == target.address else target.port
