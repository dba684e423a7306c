"""A lab and its hosts as data: names, addresses, accounts, labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import MappingProxyType

LABEL = "io.trellis.lab"
"""Carried by everything of a lab on the engine; its value is the lab's name."""
HOST_LABEL = "io.trellis.lab.host"
ADDRESS_LABEL = "io.trellis.lab.address"
"""A host's address; the engine forgets it while the host is partitioned."""
OWNER_LABEL = "io.trellis.lab.owner"
"""Whose lab it is: nobody removes another's leftovers."""
PROCESS_LABEL = "io.trellis.lab.process"
"""The process that a temporary lab belongs to; when it is gone, so may the lab."""

ACCOUNTS: Mapping[str, str] = MappingProxyType(
    {
        "deploy": "sudo without a password, and in the group docker",
        "keeper": "sudo without a password",
        "careful": "sudo with a password",
        "builder": "in the group docker, no sudo",
        "plain": "neither",
    }
)
"""The accounts of every lab host and what they may do; the lab's key opens each, and root."""


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of a lab.

    Attributes:
        name: its name in the lab and its hostname: ``h1``.
        address: its address in the lab's network.
        memory: bytes of RAM; 0 for no limit of its own.
    """

    name: str
    address: IPv4Address
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Design:
    """A lab as it is to be: what `trellis lab up` was asked for, with addresses given out.

    Attributes:
        name: the lab's name, a prefix of everything it keeps on the engine.
        subnet: its own network.
        hosts: its hosts, in order.
        bare: True for hosts without Docker Engine.
        disk: bytes that a host's Docker Engine may fill, kept in memory; 0 for the machine's own disk.
        image: the reference of the hosts' image.
        owner: see `OWNER_LABEL`.
        process: see `PROCESS_LABEL`; empty for a lab that stays until it is taken down.
    """

    name: str
    subnet: IPv4Network
    hosts: tuple[LabHost, ...]
    image: str
    owner: str
    bare: bool = False
    disk: int = 0
    process: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """How to get into a lab's hosts.

    Attributes:
        folder: the lab's state folder, 0700.
        identity: the private key that opens every account.
        known_hosts: the hosts' keys.
    """

    folder: Path

    @property
    def identity(self) -> Path:
        """The private key that opens every account."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' public keys, in OpenSSH's format."""
        return self.folder / "known_hosts"

    @property
    def user_ca(self) -> Path:
        """The private key whose user certificates the hosts accept."""
        return self.folder / "user_ca"

    @property
    def sudo_password(self) -> Path:
        """A file with the password that ``careful`` needs for sudo."""
        return self.folder / "sudo_password"

    @property
    def ready(self) -> Path:
        """There once the lab was up; what has none was interrupted."""
        return self.folder / "ready"
