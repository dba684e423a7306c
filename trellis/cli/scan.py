"""`trellis scan`: looks at the hosts of an environment."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import emit_json, progress, table
from trellis.cli.reaching import chosen_hosts
from trellis.cli.stores import project_store
from trellis.connecting import connecting
from trellis.environments.loading import load_environment
from trellis.environments.project import find_project
from trellis.errors import UnreachableError
from trellis.plugin.contracts import CountsForeignUse
from trellis.plugin.registry import Plugins
from trellis.scanning import HEADINGS, HostScan, document, remarks, row, scan_hosts


@click.command(epilog="Examples: trellis scan -e prod | trellis scan --host ny1 --json")
@environment_option
@click.option("--host", "names", multiple=True, metavar="NAME", help="Only this host; may be repeated.")
@json_option
@project_option
def scan(environment: str | None, names: tuple[str, ...], directory: Path, *, as_json: bool) -> None:
    """Look at every host: size, system, engine, what others use, and what keeps it from being used.

    Nothing is changed on a host. The answers are kept with their time. Exits 11 when a host does not answer.
    """
    project = find_project(directory)
    found = load_environment(project, chosen_environment(project, environment))
    plugins = Plugins.load()
    counters = [one for one in dict.fromkeys(plugins.providers().values()) if isinstance(one, CountsForeignUse)]
    hosts = chosen_hosts(project, found, names)
    scans = asyncio.run(scan_hosts(hosts, connecting(plugins.connectors()), counters))
    with project_store(directory) as (_, store):
        store.scans.keep(found.name, document(scans))
    _show(found.name, scans, as_json=as_json)
    silent = [one.host for one in scans if one.facts is None]
    if silent:
        raise UnreachableError(f"{len(silent)} of {len(scans)} hosts could not be asked: {', '.join(silent)}")


def _show(environment: str, scans: Sequence[HostScan], *, as_json: bool) -> None:
    if as_json:
        emit_json({"environment": environment, "hosts": document(scans)})
        return
    table(HEADINGS, [row(one) for one in scans])
    for sentence, hint in (remark for one in scans for remark in remarks(one)):
        progress(f"{sentence}; try: {hint}" if hint else sentence)
    if not scans:
        progress(f"{environment} has no hosts; try: trellis host add NAME --connect ssh://USER@ADDRESS")
