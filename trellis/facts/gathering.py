"""Asks a host for its facts."""

from dataclasses import replace
from importlib.resources import files

from trellis.errors import TrellisError
from trellis.facts.parsing import parse
from trellis.hosts import HostFacts, HostSession

_TIMEOUT = 30.0


async def gather_facts(session: HostSession) -> HostFacts:
    """What the host says about itself, in one round trip; foreign use is left to the providers.

    Raises:
        TrellisError: the host runs no POSIX shell, or the script did not get to its end.
        UnreachableError: the host does not answer.
    """
    script = files("trellis.facts").joinpath("facts.sh").read_text(encoding="utf-8")
    ended = await session.run(("sh", "-c", script), timeout=_TIMEOUT)
    try:
        return await _with_password(session, parse(ended.stdout))
    except ValueError as error:
        said = (ended.stderr.strip() or ended.stdout.strip() or "nothing").splitlines()[-1]
        raise TrellisError(
            f"the host's facts could not be read: {error}; its shell said: {said}",
            where=f"host {session.host.name}",
            hint="log in there and see that sh, awk and df work",
        ) from error


async def _with_password(session: HostSession, facts: HostFacts) -> HostFacts:
    """The facts of an account whose sudo asks for a password that we have: the script could not know."""
    user, _, rights = facts.account.rpartition(" ")
    if rights != "plain" or "sudo_password" not in session.host.secrets:
        return facts
    version = await session.run(("docker", "version", "--format", "{{.Server.Version}}"), sudo=True, timeout=_TIMEOUT)
    extra = {key: value for key, value in facts.extra.items() if key != "docker_problem" or version.status}
    docker = facts.docker or ("" if version.status else version.stdout.strip())
    return replace(facts, account=f"{user} sudo", data_dir=HostFacts().data_dir, docker=docker, extra=extra)
