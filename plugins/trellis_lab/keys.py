"""The keys of a lab: made once, kept in its state folder, copied into its hosts before they start."""

import io
import os
import secrets
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trellis_lab.model import Access, LabHost


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key in OpenSSH's format and its public line."""

    private: bytes
    public: bytes


def make_key_pair() -> KeyPair:
    """A new Ed25519 pair."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    return KeyPair(
        key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n",
    )


def write_keys(access: Access, hosts: Sequence[LabHost]) -> Mapping[str, bytes]:
    """Make the lab's keys and write the operator's part of them.

    Returns:
        for each host's name, the tar archive that is to be unpacked in its root.
    """
    access.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    access.folder.chmod(0o700)
    identity, authority, password = make_key_pair(), make_key_pair(), secrets.token_urlsafe(18)
    host_keys = {host.name: make_key_pair() for host in hosts}
    for path, content in {
        access.identity: identity.private,
        access.identity.with_suffix(".pub"): identity.public,
        access.user_ca: authority.private,
        access.sudo_password: password.encode() + b"\n",
        access.known_hosts: known_hosts({str(h.address): host_keys[h.name].public for h in hosts}),
    }.items():
        _write_private(path, content)
    shared = {
        "authorized_keys": identity.public,
        "user_ca.pub": authority.public,
        "passwords": f"careful:{password}\n".encode(),
    }
    return {name: archive({**shared, "host_key": pair.private}) for name, pair in host_keys.items()}


def known_hosts(keys: Mapping[str, bytes]) -> bytes:
    """A known_hosts file from each address's public key line."""
    return b"".join(address.encode() + b" " + line for address, line in keys.items())


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive with the files in ``etc/trellis-lab``, root's; only public ones can be read by others."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("etc/trellis-lab")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, content in files.items():
            entry = tarfile.TarInfo(f"etc/trellis-lab/{name}")
            entry.size = len(content)
            entry.mode = 0o644 if name in {"authorized_keys", "user_ca.pub"} else 0o600
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def forget(access: Access) -> None:
    """Remove the lab's state folder, keys included."""
    shutil.rmtree(access.folder, ignore_errors=True)


def _write_private(path: Path, content: bytes) -> None:
    """Written beside and renamed, so that nobody reads half a key."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
