"""`trellis lab …`: what people type, turned into calls of `Lab`."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator, Mapping

import click

from trellis.errors import UsageError
from trellis_lab.lab import Lab, labs, take_down

NAME = click.option("--name", default="lab", show_default=True, help="Which lab; several live side by side.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
HOST = click.argument("host")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: trellis lab up 3, then: trellis lab hosts --role Web >environments/lab.yaml",
)
def lab() -> None:
    """Throwaway hosts to try a stack on: containers with ssh, Docker Engine and nftables of their own."""


@lab.command(epilog="Examples: trellis lab up 3 | trellis lab up 2 --name small --memory 1024,2048")
@click.argument("count", type=click.IntRange(1, 200))
@NAME
@click.option("--memory", default="", metavar="MIB[,MIB…]", help="RAM in MiB: one number, or one a host.")
@click.option("--disk", default=0, metavar="MIB", help="Room for Docker Engine, in memory, so that it can be filled.")
@click.option("--bare", is_flag=True, help="Hosts without Docker Engine.")
@JSON
def up(count: int, name: str, memory: str, disk: int, *, bare: bool, as_json: bool) -> None:
    """Start COUNT hosts and wait until they answer."""
    started = Lab.up(count, name=name, memory=_megabytes(memory), bare=bare, disk=disk, report=_report)
    with contextlib.closing(started):
        _print_hosts(started, as_json=as_json)
    _report(f"for an environment file: trellis lab hosts --name {name}")


@lab.command(epilog="Example: trellis lab hosts --role Web >environments/lab.yaml")
@NAME
@click.option("--role", "roles", multiple=True, help="A role that every host carries; may be repeated.")
@JSON
def hosts(name: str, roles: tuple[str, ...], *, as_json: bool) -> None:
    """Print the hosts as an environment file has them."""
    with _found(name) as found:
        entries = {key: {**_entry(value), "roles": list(roles)} for key, value in found.environment_hosts().items()}
    if as_json:
        _print_json({"lab": name, "hosts": entries})
    else:
        click.echo(_yaml({"hosts": entries}), nl=False)


@lab.command(
    name="exec", epilog="Example: trellis lab exec h1 -- docker ps", context_settings={"ignore_unknown_options": True}
)
@NAME
@HOST
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def execute(context: click.Context, name: str, host: str, command: tuple[str, ...]) -> None:
    """Run COMMAND as root in HOST; its exit status is the command's own."""
    with _found(name) as found:
        status = found.stream(host, command, sys.stdout.buffer, sys.stderr.buffer)
    context.exit(status)


@lab.command(epilog="Example: trellis lab crash h2")
@NAME
@HOST
def crash(name: str, host: str) -> None:
    """Cut the power of HOST; `reboot` switches it on again."""
    with _found(name) as found:
        found.crash(host)
    _report(f"{host} is down")


@lab.command(epilog="Example: trellis lab reboot h2")
@NAME
@HOST
def reboot(name: str, host: str) -> None:
    """Restart HOST, or switch it on, and wait until it answers."""
    with _found(name) as found:
        found.reboot(host)
    _report(f"{host} is up")


@lab.command(epilog="Example: trellis lab partition h2")
@NAME
@HOST
def partition(name: str, host: str) -> None:
    """Cut HOST off the network."""
    with _found(name) as found:
        found.partition(host)
    _report(f"{host} is cut off")


@lab.command(epilog="Example: trellis lab freeze h2")
@NAME
@HOST
def freeze(name: str, host: str) -> None:
    """Let HOST hang: connections stay open and nothing answers."""
    with _found(name) as found:
        found.freeze(host)
    _report(f"{host} hangs")


@lab.command(epilog="Example: trellis lab slow h2 --share 0.1")
@NAME
@HOST
@click.option("--share", default=0.05, show_default=True, help="How much of one core it keeps.")
def slow(name: str, host: str, share: float) -> None:
    """Make HOST slow."""
    with _found(name) as found:
        found.slow(host, share)
    _report(f"{host} has {share:g} of a core")


@lab.command(epilog="Example: trellis lab fill h2")
@NAME
@HOST
def fill(name: str, host: str) -> None:
    """Leave no room on the disk of HOST; for labs started with --disk."""
    with _found(name) as found:
        found.fill(host)
    _report(f"the disk of {host} is full")


@lab.command(epilog="Example: trellis lab heal h2")
@NAME
@HOST
def heal(name: str, host: str) -> None:
    """Undo partition, freeze, slow and fill on HOST."""
    with _found(name) as found:
        found.heal(host)
    _report(f"{host} is well")


@lab.command(epilog="Example: trellis lab load shop/website:7.1 shop/haproxy:2.6")
@NAME
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…")
def load(name: str, images: tuple[str, ...]) -> None:
    """Copy images of this machine into every host."""
    with _found(name) as found:
        for image in images:
            _report(f"loading {image} into {len(found.hosts)} hosts")
            found.load(image)


@lab.command(epilog="Example: trellis lab down --name small")
@NAME
def down(name: str) -> None:
    """Remove the lab: hosts, their volumes, network and keys."""
    take_down(name)
    _report(f"lab {name} is gone")


@lab.command(name="list", epilog="Example: trellis lab list --json")
@JSON
def list_labs(*, as_json: bool) -> None:
    """List the labs on this engine and how many of their hosts run."""
    found = labs()
    if as_json:
        _print_json({"labs": [{"name": name, "running": running} for name, running in found.items()]})
        return
    for name, running in found.items():
        click.echo(f"{name}\t{running} running")
    if not found:
        _report("there is no lab; start one: trellis lab up 3")


@contextlib.contextmanager
def _found(name: str) -> Iterator[Lab]:
    with contextlib.closing(Lab.find(name)) as found:
        yield found


def _print_hosts(found: Lab, *, as_json: bool) -> None:
    if as_json:
        rows = [{"name": h.name, "address": str(h.address), "memory": h.memory} for h in found.hosts]
        _print_json({"lab": found.name, "identity_file": str(found.access.identity), "hosts": rows})
        return
    for host in found.hosts:
        click.echo(f"{host.name}\t{host.address}\t{found.ssh_command(host)}")


def _entry(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _megabytes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(f"{text!r} is not a list of memory sizes", hint="write --memory 1024,2048 (MiB)") from None


def _yaml(document: Mapping[str, object]) -> str:
    from ruamel.yaml import YAML

    buffer = io.StringIO()
    writer = YAML()
    writer.width = 4096
    writer.dump(document, buffer)
    return buffer.getvalue()


def _print_json(document: Mapping[str, object]) -> None:
    click.echo(json.dumps({"schema_version": 1, **document}, indent=2))


def _report(sentence: str) -> None:
    click.echo(sentence, err=True)
