"""`trellis almanac`."""

import click


@click.command(epilog="Example: trellis almanac")
def almanac() -> None:
    """Say what an almanac is."""
    click.echo("a book with a page for every day")
