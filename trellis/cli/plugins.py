"""`trellis plugins`: the installed plugins and what they offer."""

from collections.abc import Mapping

import click

from trellis.cli.options import json_option
from trellis.cli.output import emit_json, progress, table
from trellis.plugin.registry import Plugins


@click.command(epilog="Example: trellis plugins --json")
@json_option
def plugins(*, as_json: bool) -> None:
    """List the plugins with the URL schemes, resource kinds and commands that they offer."""
    found = Plugins.load()
    listed = [_entry(name, found) for name in found.names()]
    if as_json:
        emit_json({"plugins": listed, "warnings": list(found.warnings)})
        return
    table(("plugin", "connects", "keeps", "commands", "hooks"), [_row(entry) for entry in listed])
    for warning in found.warnings:
        progress(f"warning: {warning}")


def _entry(name: str, found: Plugins) -> Mapping[str, object]:
    return {"name": name, **found.offers_of(name), "hooks": list(found.names()[name])}


def _row(entry: Mapping[str, object]) -> tuple[str, ...]:
    lists = (entry[key] for key in ("schemes", "kinds", "commands", "hooks"))
    return (str(entry["name"]), *(", ".join(items) if isinstance(items, list) else "" for items in lists))
