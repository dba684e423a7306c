"""`trellis plugins`: the installed plugins and what they offer."""

from collections.abc import Mapping

import click

from trellis.cli.options import json_option
from trellis.cli.output import emit_json, progress, table
from trellis.plugin.registry import Plugins
from trellis.plugin.requirements import OURS


@click.command(epilog="Example: trellis plugins --json")
@json_option
def plugins(*, as_json: bool) -> None:
    """List the plugins with their versions, and what each provides: ways to connect, kinds of resources, commands."""
    found = Plugins.load()
    listed = [_entry(name, found) for name in found.names()]
    if as_json:
        emit_json({"plugins": listed, "warnings": list(found.warnings)})
        return
    table(("plugin", "version", "connects", "keeps", "commands", "hooks"), [_row(entry) for entry in listed])
    for warning in found.warnings:
        progress(f"warning: {warning}")


def _entry(name: str, found: Plugins) -> Mapping[str, object]:
    distribution, version = found.distribution_of(name)
    whose = {"distribution": distribution, "version": version}
    return {"name": name, **whose, **found.offers_of(name), "hooks": list(found.names()[name])}


def _row(entry: Mapping[str, object]) -> tuple[str, ...]:
    elsewhere = "" if entry["distribution"] == OURS else f" ({entry['distribution'] or 'not installed'})"
    lists = (entry[key] for key in ("schemes", "kinds", "commands", "hooks"))
    words = (", ".join(items) if isinstance(items, list) else "" for items in lists)
    return (str(entry["name"]), f"{entry['version']}{elsewhere}", *words)
