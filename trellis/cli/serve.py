"""`trellis serve …`: the console from which other projects pull, and what it refused."""

from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, progress
from trellis.environments.loading import check_exists
from trellis.environments.project import find_project
from trellis.errors import UsageError


@click.group(epilog="Examples: trellis serve publisher -e dev | trellis serve refused -e dev")
def serve() -> None:
    """Serve an environment's publications to other projects, read-only; see what was refused."""


@serve.command(epilog="Example: trellis serve publisher -e dev --address 0.0.0.0 --port 8443")
@environment_option
@click.option("--address", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0 takes a free one.")
@project_option
def publisher(environment: str | None, address: str, port: int, directory: Path) -> None:
    """Serve what an environment has published over mutual TLS until it is stopped.

    Clients need a certificate of this console: trellis cert issue --client NAME. What of up, status and scan a client
    may run here, `operations` in the environment's file says; without it, nothing. Anything else, and any other
    certificate, is answered with 403 and recorded, also in the history.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    _refuse_without_extra()
    from trellis.console.app import Console
    from trellis.console.authority import server
    from trellis.console.chronicling import Chronicle
    from trellis.console.recording import Journal
    from trellis.console.serving import listening
    from trellis.console.serving import serve as run
    from trellis.environments.keeping import KeptFile
    from trellis.state.database import state_url

    keeps = KeptFile(project, name)
    credentials = server(keeps, name)
    chronicle = Chronicle(state_url(project.root, project.state_url), name, progress)
    journal = Journal(project, name, progress, chronicle)
    listener = listening(address, port)
    shown = f"[{address}]" if ":" in address else address
    progress(f"serving the publications of {name} at https://{shown}:{listener.getsockname()[1]}")
    try:
        run(Console(project, name, keeps, journal), credentials, listener)
    except KeyboardInterrupt:
        pass  # this is how it is stopped
    finally:
        listener.close()
        journal.close()
    progress("stopped")


@serve.command(epilog="Example: trellis serve refused -e dev --json")
@environment_option
@json_option
@project_option
def refused(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Show what the console refused, oldest first: when, who, what for, why."""
    from trellis.console.recording import refusals, sentence

    project = find_project(directory)
    name = chosen_environment(project, environment)
    found = list(refusals(project, name))
    if as_json:
        emit_json({"environment": name, "refused": found})
    elif not found:
        progress(f"the console of {name} refused nobody")
    for entry in () if as_json else found:
        echo(f"{entry['at']}  {entry['status']}  {sentence(entry)}")


def _refuse_without_extra() -> None:
    """Raise `UsageError` where what the console needs is not installed."""
    from importlib.util import find_spec

    if find_spec("uvicorn") is None or find_spec("OpenSSL") is None:
        raise UsageError("the console needs its extra", hint="pip install 'opencluster-trellis[console]'")
