"""`trellis cert issue` and `trellis cert revoke`: certificates of an environment's console."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, project_option
from trellis.cli.output import echo, progress
from trellis.environments.loading import check_exists
from trellis.environments.project import Project, find_project
from trellis.errors import UsageError


@click.command(
    epilog="Examples: trellis cert issue --server console.example.org -e dev | "
    "trellis cert issue --client prod --out prod-client.pem -e dev"
)
@click.option("--server", "hosts", metavar="NAME", multiple=True, help="A DNS name or address of the console.")
@click.option("--client", metavar="NAME", help="Who may pull from the console.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file for the client's certificate and key."
)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is good.")
@environment_option
@project_option
def issue(
    hosts: tuple[str, ...], client: str | None, out: Path | None, days: int, environment: str | None, directory: Path
) -> None:
    """Issue a certificate of the console's own authority: for the console, or for a client of it.

    The console's key stays here, encrypted. A client's certificate and key are written to the file --out, which only
    its owner may read; hand it over in a safe way, and remove it here. The console's root is printed: clients need it.
    """
    if bool(hosts) == bool(client) or bool(client) != bool(out):
        raise UsageError("say one of: --server NAME, or --client NAME with --out FILE")
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    lifetime = timedelta(days=days)
    root = (
        _for_client(project, name, str(client), out, lifetime) if out else _for_server(project, name, hosts, lifetime)
    )
    echo(root.rstrip())


def _for_server(project: Project, name: str, hosts: tuple[str, ...], lifetime: timedelta) -> str:
    from trellis.console.authority import authority, issue_server
    from trellis.environments.keeping import KeptFile
    from trellis.loading import load_stack
    from trellis.signing.keys import authority_text

    keeps, now = KeptFile(project, name), datetime.now(UTC)
    issuer = authority(keeps, load_stack(project.stack_file).name, name, now)
    issue_server(issuer, keeps, hosts, lifetime, now)
    progress(f"the console of {name} has a certificate for {', '.join(hosts)}; next: trellis serve publisher -e {name}")
    return authority_text(issuer)


def _for_client(project: Project, name: str, client: str, out: Path, lifetime: timedelta) -> str:
    from trellis.console.authority import authority, issue_client
    from trellis.environments.keeping import KeptFile
    from trellis.environments.writing import write_file
    from trellis.loading import load_stack
    from trellis.pki.pem import bundle
    from trellis.signing.keys import authority_text

    if out.exists():
        raise UsageError("there is such a file already", where=str(out))
    keeps, now = KeptFile(project, name), datetime.now(UTC)
    issuer = authority(keeps, load_stack(project.stack_file).name, name, now)
    made = issue_client(issuer, keeps, client, lifetime, now)
    write_file(out, bundle(made).reveal(), mode=0o600)
    progress(f"{client} may pull from the console of {name} until {made.ends():%Y-%m-%d}, with {out}")
    return authority_text(issuer)


@click.command(epilog="Example: trellis cert revoke --client prod -e dev")
@click.option("--client", metavar="NAME", required=True, help="Who may pull no longer.")
@click.option(
    "--reason",
    type=click.Choice(["unspecified", "keyCompromise", "superseded", "cessationOfOperation"]),
    default="unspecified",
    show_default=True,
    help="As RFC 5280 names it.",
)
@environment_option
@project_option
def revoke(client: str, reason: str, environment: str | None, directory: Path) -> None:
    """Take the certificates of a client of the console back; the console refuses them from the next request on."""
    from trellis.console.authority import revoke_client
    from trellis.environments.keeping import KeptFile

    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    count = revoke_client(KeptFile(project, name), client, reason, datetime.now(UTC))
    progress(f"{client} may pull from the console of {name} no longer; taken back: {count} of its certificates")
