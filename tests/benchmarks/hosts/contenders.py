"""Who is compared, and how each is told about the same hosts and the same work."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trellis_lab import Lab

HERE = Path(__file__).parent
OTHERS = Path(".trellis-bench/venv/bin").absolute()
"""pyinfra and ansible-core, in an environment of their own."""
OURS = Path(".trellis-bench/trellis/bin").absolute()
"""Trellis as its users install it: from a wheel, in an environment of its own."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that does the work.

    Attributes:
        name: what it is called.
        work: the folder below ``work`` that says what is to be done.
        argv: the command, run in the contender's folder; the same for the first and for later runs.
        prepare: writes what names the hosts into the folder.
        environment: variables that it needs.
    """

    name: str
    work: str
    argv: tuple[str, ...]
    prepare: Callable[[Path, Lab, int], None]
    environment: Mapping[str, str]


def contenders() -> tuple[Contender, ...]:
    """Trellis, pyinfra, Ansible as it comes, and Ansible as those who know it make it fast.

    Trellis and Ansible as it comes gather facts about each host; pyinfra and the tuned Ansible ask for what the work
    needs.
    """
    trellis = (str(OURS / "trellis"), "up", "--env", "lab", "--yes")
    pyinfra = (str(OTHERS / "pyinfra"), "inventory.py", "deploy.py", "-y")
    playbook = (str(OTHERS / "ansible-playbook"), "-i", "hosts.ini", "playbook.yml")
    home = {"ANSIBLE_HOME": str(OTHERS.parent / "ansible")}
    tuned = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
    }
    return (
        Contender("trellis", "trellis", trellis, _trellis_hosts, {}),
        Contender("pyinfra", "pyinfra", pyinfra, _pyinfra_hosts, {}),
        Contender("ansible", "ansible", playbook, _ansible_hosts, home),
        Contender("ansible-tuned", "ansible", playbook, _ansible_hosts, home | tuned),
    )


def make_folder(contender: Contender, root: Path, lab: Lab, count: int) -> Path:
    """The contender's own copy of its work, for the first `count` hosts of the lab."""
    folder = root / f"{contender.name}-{count}"
    shutil.copytree(HERE / "work" / contender.work, folder)
    (folder / "files").mkdir()
    for number in range(1, 4):
        (folder / "files" / str(number)).write_text(f"file {number}\n" * 100)
    contender.prepare(folder, lab, count)
    return folder


def variables(contender: Contender) -> dict[str, str]:
    """The environment of its process; what was installed is compiled, whatever this machine is told."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, **contender.environment}


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
