"""Labs: throwaway hosts with ssh, Docker Engine and nftables of their own, as containers."""

import hashlib
import os
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from trellis.errors import LockedError, TrellisError, UsageError
from trellis_lab import commands, keys, state
from trellis_lab.client import LabEngine
from trellis_lab.model import (
    ADDRESS_LABEL,
    HOST_LABEL,
    LABEL,
    OWNER_LABEL,
    PROCESS_LABEL,
    Access,
    Design,
    LabHost,
)

_Item = TypeVar("_Item")
Report = Callable[[str], None]
_IMAGE_FOLDER = Path(__file__).parent / "image"


class Lab:
    """A lab that is up.

    A context manager: leaving it takes the lab down. Made with `Lab.up`, found again with `Lab.find`.

    Attributes:
        name: its name.
        hosts: its hosts, in order.
        access: where its keys are.
    """

    def __init__(self, name: str, hosts: Sequence[LabHost], engine: LabEngine, *, bare: bool = False) -> None:
        self.name = name
        self.hosts = tuple(hosts)
        self.access: Access = state.access(name)
        self._engine = engine
        self._bare = bare

    @classmethod
    def up(  # noqa: PLR0913 - settings by name, each with a default
        cls,
        count: int,
        *,
        name: str = "lab",
        memory: Sequence[int] = (),
        bare: bool = False,
        disk: int = 0,
        temporary: bool = False,
        image: str = "",
        report: Report = lambda _: None,
    ) -> Self:
        """Start a lab and wait until its hosts answer.

        Args:
            count: how many hosts.
            name: the lab's name; several labs live side by side.
            memory: MiB of RAM, one number for all hosts or one a host; none for no limit.
            bare: without Docker Engine.
            disk: MiB that each host's engine may fill, kept in memory and empty after a reboot; 0 for no limit.
            temporary: it belongs to this process; once that is gone, the next `up` removes the lab.
            image: the hosts' image, one that is built on a lab's own (`ensure_image`); that one itself by default.
            report: takes sentences about the progress.

        Raises:
            UsageError: the name is taken, or the numbers are at fault.
        """
        sizes = commands.memory_sizes(memory, count)
        with state.locked(commands.check_name(name)):
            engine = LabEngine()
            try:
                remove_leftovers(engine, name, report)
                image = image or ensure_image(engine, bare=bare, report=report)
                process = state.process_mark(os.getpid()) if temporary else ""
                draft = Design(name, commands.ANY, (), image, state.owner(), bare, disk * 1024 * 1024, process)
                lab = cls._start(engine, draft, sizes, report)
            except BaseException:
                engine.close()
                raise
        return lab

    @classmethod
    def _start(cls, engine: LabEngine, draft: Design, sizes: Sequence[int], report: Report) -> Self:
        name = draft.name
        try:
            design = _claim_network(engine, draft, sizes)
            report(f"starting {len(design.hosts)} hosts in {design.subnet}")
            _start_hosts(engine, design)
            state.access(name).ready.touch(mode=0o600)
        except BaseException:
            engine.remove(name)
            keys.forget(state.access(name))
            raise
        report(f"lab {name} is up")
        return cls(name, design.hosts, engine, bare=design.bare)

    @classmethod
    def find(cls, name: str = "lab") -> Self:
        """A lab that is up.

        Raises:
            UsageError: there is none of that name, or its start was interrupted.
        """
        engine = LabEngine()
        containers = engine.containers(name)
        if not containers or not state.access(name).ready.exists():
            engine.close()
            raise UsageError(f"there is no lab {name}", hint=f"trellis lab up 3 --name {name}")
        hosts = sorted((_as_host(container["Labels"]) for container in containers), key=lambda h: h.address)
        return cls(name, hosts, engine, bare=str(containers[0]["Image"]).startswith(commands.BARE_IMAGE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def host(self, name: str) -> LabHost:
        """One of its hosts.

        Raises:
            UsageError: it has none of that name.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise UsageError(f"lab {self.name} has no host {name}", hint=f"it has {', '.join(h.name for h in self.hosts)}")

    def ssh_command(self, host: LabHost, user: str = "deploy") -> str:
        """What to type for a shell in a host."""
        known = f"-o UserKnownHostsFile={shlex.quote(str(self.access.known_hosts))}"
        return f"ssh -i {shlex.quote(str(self.access.identity))} {known} {user}@{host.address}"

    def environment_hosts(self) -> Mapping[str, object]:
        """The ``hosts`` of an environment file for this lab."""
        return commands.environment_hosts(self.hosts, str(self.access.identity), str(self.access.known_hosts))

    def execute(self, host: str, *argv: str, user: str = "root") -> tuple[int, str]:
        """Run a command in a host, past ssh; its exit status and all that it printed."""
        status, output = self._engine.execute(self.name, self.host(host).name, argv, user)
        return status, output.decode(errors="replace")

    def stream(self, host: str, argv: Sequence[str], out: IO[bytes], err: IO[bytes]) -> int:
        """Run a command in a host with its output passed on as it comes; its exit status."""
        return self._engine.stream(self.name, self.host(host).name, argv, out, err)

    def load(self, *images: str) -> None:
        """Copy images of this machine's engine into every host that lacks them, all hosts at once."""
        for image in images:
            wanted = self._engine.image_id(image)
            missing = [host.name for host in self.hosts if self._image_id(host.name, image) != wanted]
            if missing:
                self._copy(image, missing)

    def _image_id(self, host: str, image: str) -> str:
        status, output = self.execute(host, "docker", "image", "inspect", "--format", "{{.Id}}", image)
        return "" if status else output.strip()

    def _copy(self, image: str, hosts: Sequence[str]) -> None:
        with tempfile.NamedTemporaryFile(prefix="trellis-lab-") as archive:
            self._engine.save(image, archive)
            archive.flush()

            def load(host: str) -> None:
                with Path(archive.name).open("rb") as data:
                    self._engine.feed(self.name, host, ["docker", "load", "--quiet"], data)

            _in_parallel(load, hosts)

    def crash(self, host: str) -> None:
        """Cut the host's power; `reboot` switches it on again."""
        self._engine.kill(self._container(host))

    def reboot(self, host: str) -> None:
        """Shut the host down in order when it runs, start it, and wait until it answers."""
        container = self._container(host)
        self._engine.stop(container)
        self._engine.start(container)
        self.wait(host)

    def wait(self, host: str) -> None:
        """Wait until the host's ssh server and engine answer."""
        self._engine.wait_ready(self.name, host, bare=self._bare)

    def partition(self, host: str) -> None:
        """Cut the host off the network; `heal` puts it back."""
        self._engine.disconnect(self._container(host), commands.network_name(self.name))

    def freeze(self, host: str) -> None:
        """Let the host hang: connections stay open and nothing answers. `heal` ends it."""
        self._engine.pause(self._container(host))

    def slow(self, host: str, share: float = 0.05) -> None:
        """Leave the host a share of one core; `heal` ends it."""
        self._engine.limit_cpu(self._container(host), share)

    def fill(self, host: str) -> None:
        """Leave no room on the host's disk; `heal` makes it again.

        Raises:
            UsageError: the lab was not started with `disk`: it would be this machine's own.
        """
        mounted = self.execute(host, "findmnt", "--noheadings", "--output", "FSTYPE", "/var/lib/docker")[1].strip()
        if mounted != "tmpfs":
            raise UsageError("a lab's disk can be filled only when it has a size", hint="trellis lab up 3 --disk 1024")
        if self.execute(host, *commands.fill_command())[0]:
            raise TrellisError(f"the disk of {host} was not filled")

    def heal(self, host: str) -> None:
        """Undo `partition`, `freeze`, `slow` and `fill`, whichever there was."""
        container, network = self._container(host), commands.network_name(self.name)
        found = self._engine.inspect(container)
        if found["State"]["Paused"]:
            self._engine.unpause(container)
        if found["HostConfig"]["CpuQuota"] > 0:
            self._engine.limit_cpu(container, 0)
        if network not in found["NetworkSettings"]["Networks"]:
            self._engine.connect(container, network, str(self.host(host).address))
        if found["State"]["Running"]:
            self.execute(host, "rm", "-f", commands.FILLER)

    def down(self) -> None:
        """Remove the lab: hosts, their volumes, network, keys. May be called twice."""
        self._engine.remove(self.name)
        keys.forget(self.access)
        self._engine.close()

    def close(self) -> None:
        """Let go of the engine; the lab stays."""
        self._engine.close()

    def _container(self, host: str) -> str:
        return commands.container_name(self.name, self.host(host).name)


def labs() -> Mapping[str, int]:
    """Every lab on the engine, whoever's it is: name to number of hosts that run."""
    engine = LabEngine()
    try:
        found = {str(network["Labels"][LABEL]): 0 for network in engine.networks()}
        for container in engine.containers():
            name = str(container["Labels"][LABEL])
            found[name] = found.get(name, 0) + (container["State"] == "running")
        return dict(sorted(found.items()))
    finally:
        engine.close()


def take_down(name: str) -> None:
    """Remove a lab, or what an interrupted start left of it.

    Raises:
        UsageError: there is nothing of that name.
    """
    with state.locked(commands.check_name(name)):
        engine = LabEngine()
        try:
            if not engine.traces(name):
                raise UsageError(f"there is no lab {name}", hint="trellis lab list")
            engine.remove(name)
            keys.forget(state.access(name))
        finally:
            engine.close()


def remove_leftovers(engine: LabEngine, starting: str, report: Report) -> None:
    """Remove this account's labs whose start was interrupted or whose process is gone.

    Raises:
        UsageError: the lab that is about to start is there already, and whole.
    """
    for name, labels in engine.traces().items():
        if labels.get(OWNER_LABEL) == state.owner() and _is_leftover(name, labels):
            with suppress(LockedError):
                _remove_leftover(engine, name, starting, report)
        elif name == starting:
            raise UsageError(f"lab {name} is there already", hint=f"trellis lab down --name {name}, or use --name")


def _remove_leftover(engine: LabEngine, name: str, starting: str, report: Report) -> None:
    if name == starting:  # its lock is held by this very start
        report(f"removing what is left of lab {name}")
        engine.remove(name)
        return
    with state.locked(name):
        report(f"removing what is left of lab {name}")
        engine.remove(name)
        keys.forget(state.access(name))


def _is_leftover(name: str, labels: Mapping[str, str]) -> bool:
    process = labels.get(PROCESS_LABEL, "")
    return not state.access(name).ready.exists() or (process != "" and not state.process_lives(process))


def ensure_image(engine: LabEngine, *, bare: bool, report: Report) -> str:
    """The reference of the hosts' image, built when the engine does not have it."""
    content = hashlib.sha256()
    for path in sorted(_IMAGE_FOLDER.iterdir()):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    reference = f"{commands.BARE_IMAGE if bare else commands.HOST_IMAGE}:{content.hexdigest()[:12]}"
    if not engine.image_exists(reference):
        report("building the hosts' image (about 30 s, once)")
        for line in engine.build(reference, "bare" if bare else "host"):
            if line.startswith("Step "):
                report(line)
        engine.remove_older(reference)
    return reference


def _claim_network(engine: LabEngine, draft: Design, sizes: Sequence[int]) -> Design:
    """The design with a subnet of its own and the hosts' addresses; the network is made."""
    for subnet in commands.free_subnets(engine.subnets()):
        design = commands.with_subnet(draft, subnet, sizes)
        if engine.create_network(design):
            return design
    raise TrellisError("no subnet is free for another lab", hint="trellis lab list; trellis lab down --name NAME")


def _start_hosts(engine: LabEngine, design: Design) -> None:
    files = keys.write_keys(state.access(design.name), design.hosts)

    def start(host: LabHost) -> None:
        engine.create_host(design, host, files[host.name])
        engine.wait_ready(design.name, host.name, bare=design.bare)

    _in_parallel(start, design.hosts)


def _in_parallel(work: Callable[[_Item], Any], items: Sequence[_Item]) -> None:
    with ThreadPoolExecutor(max_workers=min(16, len(items))) as pool:
        for future in [pool.submit(work, item) for item in items]:
            future.result()


def _as_host(labels: Mapping[str, str]) -> LabHost:
    return LabHost(labels[HOST_LABEL], IPv4Address(labels[ADDRESS_LABEL]))
