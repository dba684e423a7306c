"""Asks a host for its facts."""

import asyncio
from dataclasses import replace
from importlib.resources import files

from trellis.errors import NotAuthorisedError, TrellisError
from trellis.facts.engine import EngineFacts, ask_engine
from trellis.facts.parsing import parse
from trellis.hosts import HostFacts, HostSession

_TIMEOUT = 30.0


async def gather_facts(session: HostSession, *, tools: bool = False) -> HostFacts:
    """What the host and its Docker Engine say about themselves; foreign use is left to the providers.

    One script for the host, one question for sudo and one for the engine, at the same time.

    Args:
        session: the host's open session.
        tools: ask for the versions of tools as well, which costs the host a process each.

    Raises:
        TrellisError: the host runs no POSIX shell, or the script did not get to its end.
        UnreachableError: the host does not answer.
    """
    facts, engine = await asyncio.gather(_host_facts(session, tools=tools), ask_engine(session, about_data=tools))
    if engine.root not in {"", facts.extra.get("docker_root")}:
        facts = replace(facts, disk=await _free_bytes(session, engine.root))
    return _with_engine(facts, engine)


async def _free_bytes(session: HostSession, folder: str) -> int | None:
    """Room where the engine keeps its data, when that is not the usual place."""
    answer = await session.run(("df", "-Pk", folder), timeout=_TIMEOUT)
    fields = answer.stdout.splitlines()[-1].split() if answer.status == 0 else []
    return int(fields[3]) * 1024 if len(fields) > 3 and fields[3].isdecimal() else None


async def _host_facts(session: HostSession, *, tools: bool) -> HostFacts:
    script = files("trellis.facts").joinpath("facts.sh").read_text(encoding="utf-8")
    flags = ("without-engine", "without-sudo", *(() if tools else ("without-tools",)))
    ended, sudo = await asyncio.gather(
        session.run(("sh", "-c", script, "sh", *flags), timeout=_TIMEOUT), _may_use_sudo(session)
    )
    try:
        return parse(f"{ended.stdout}sudo {'yes' if sudo else 'no'}\n")
    except ValueError as error:
        said = (ended.stderr.strip() or ended.stdout.strip() or "nothing").splitlines()[-1]
        raise TrellisError(
            f"the host's facts could not be read: {error}; its shell said: {said}",
            where=f"host {session.host.name}",
            hint="log in there and see that sh, awk and df work",
        ) from error


def _with_engine(facts: HostFacts, engine: EngineFacts) -> HostFacts:
    """The script only knows whether an engine is installed; the engine knows the rest."""
    extra = dict(facts.extra)
    if engine.version:
        extra.pop("docker_problem", None)
        extra["docker_root"] = engine.root or extra.get("docker_root", "")
    elif engine.denied:
        extra["docker_problem"] = "denied"
    return replace(facts, docker=engine.version, extra=extra)


async def _may_use_sudo(session: HostSession) -> bool:
    try:
        return (await session.run(("true",), sudo=True, timeout=_TIMEOUT)).status == 0
    except NotAuthorisedError:
        return False
