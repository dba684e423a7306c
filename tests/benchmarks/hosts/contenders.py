"""Who is compared, and how each is told about the same hosts and the same work."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trellis_lab import Lab

HERE = Path(__file__).parent
OTHERS = Path(".trellis-bench/venv/bin").absolute()
"""pyinfra and ansible-core, in an environment of their own."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that does the work.

    Attributes:
        name: what it is called.
        argv: the command, run in the contender's folder; the same for the first and for later runs.
        prepare: writes what names the hosts into the folder.
        environment: variables that it needs.
    """

    name: str
    argv: tuple[str, ...]
    prepare: Callable[[Path, Lab, int], None]
    environment: Mapping[str, str]


def contenders() -> tuple[Contender, ...]:
    """Trellis, pyinfra, and Ansible with pipelining, which is how its users make it fast."""
    trellis = str(Path(sys.executable).parent / "trellis")
    ansible = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_HOME": str(OTHERS.parent / "ansible"),
    }
    return (
        Contender("trellis", (trellis, "up", "--env", "lab", "--yes"), _trellis_hosts, {}),
        Contender("pyinfra", (str(OTHERS / "pyinfra"), "inventory.py", "deploy.py", "-y"), _pyinfra_hosts, {}),
        Contender(
            "ansible", (str(OTHERS / "ansible-playbook"), "-i", "hosts.ini", "playbook.yml"), _ansible_hosts, ansible
        ),
    )


def make_folder(contender: Contender, root: Path, lab: Lab, count: int) -> Path:
    """The contender's own copy of its work, for the first `count` hosts of the lab."""
    folder = root / f"{contender.name}-{count}"
    shutil.copytree(HERE / "work" / contender.name, folder)
    (folder / "files").mkdir()
    for number in range(1, 4):
        (folder / "files" / str(number)).write_text(f"file {number}\n" * 100)
    contender.prepare(folder, lab, count)
    return folder


def variables(contender: Contender) -> dict[str, str]:
    """The environment of its process."""
    return {**os.environ, **contender.environment}


def _trellis_hosts(folder: Path, lab: Lab, count: int) -> None:
    hosts = dict(list(lab.environment_hosts().items())[:count])
    entries = {name: {**entry, "roles": ["every"]} for name, entry in hosts.items()}  # type: ignore[dict-item]
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / "lab.yaml").write_text(json.dumps({"hosts": entries}, indent=2) + "\n")  # JSON is YAML


def _pyinfra_hosts(folder: Path, lab: Lab, count: int) -> None:
    data = {
        "ssh_user": "deploy",
        "ssh_key": str(lab.access.identity),
        "ssh_known_hosts_file": str(lab.access.known_hosts),
        "ssh_strict_host_key_checking": "yes",
    }
    hosts = [(str(host.address), data) for host in lab.hosts[:count]]
    (folder / "inventory.py").write_text(f"hosts = {hosts!r}\n")


def _ansible_hosts(folder: Path, lab: Lab, count: int) -> None:
    known = f"-o UserKnownHostsFile={lab.access.known_hosts} -o ControlMaster=auto -o ControlPersist=60s"
    settings = (
        f"ansible_user=deploy ansible_ssh_private_key_file={lab.access.identity} ansible_ssh_common_args='{known}'"
    )
    lines = [f"{host.name} ansible_host={host.address} {settings}\n" for host in lab.hosts[:count]]
    (folder / "hosts.ini").write_text("".join(lines))
