"""Keeps hosts' firewalls: rules are loaded in one transaction, and go again unless a new connection confirms them."""

import asyncio
import base64
import secrets
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from trellis.booting import boot_hook, no_boot_hook
from trellis.errors import ApplyError, TrellisError
from trellis.firewall.backends import Backend
from trellis.firewall.deciding import decide, opened, rules_in
from trellis.firewall.facts import Found, parse
from trellis.firewall.model import Ruleset
from trellis.firewall.resources import CLOSING, OPENING, name_of
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource
from trellis.values import canonical, freeze_mapping, masked

_SCRIPTS = Path(__file__).parent / "scripts"
_SECONDS_TO_CONFIRM = 20
_FOLDER = "firewall"


class FirewallProvider:
    """Provider of `firewall` and `firewall-closing` resources: one ruleset, before and after containers change.

    Their spec: `provider` (a backend's name) and `rules` (see `trellis.firewall.model.Ruleset`).

    Args:
        backends: by name.
        seconds: the host puts the old rules back after so many, unless a new connection confirms the new ones.
    """

    kinds: Mapping[str, int] = {OPENING: 42, CLOSING: 60}

    def __init__(self, backends: Mapping[str, Backend], seconds: int = _SECONDS_TO_CONFIRM) -> None:
        self._backends = backends
        self._seconds = seconds

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The rules that Trellis loaded for the scope, and whether they are as it left them.

        Raises:
            TrellisError: they could not be looked at.
        """
        name = name_of(scope.stack, scope.environment)
        completed = await session.run(_script("observe", _folder(scope), name), sudo=scope.as_root)
        if completed.status != 0:
            raise TrellisError(
                f"the firewall could not be looked at: {completed.stderr.strip()}", where=f"host {session.host.name}"
            )
        return parse(completed.stdout, name, session.host.name)

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:  # noqa: ARG002 - no secrets
        """What is to be done before or after containers change; pure."""
        return decide(desired, actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Load the rules and have a new connection confirm them, or take them away.

        Raises:
            ApplyError: they could not be loaded, or cut Trellis off; the old ones hold.
        """
        if step.verb is Verb.REMOVE:
            await self._remove(step, applying)
        elif step.verb is not Verb.KEEP and step.resource is not None:
            found = Found.of(step.actual) if step.actual is not None else None
            wanted = rules_in(step.resource.spec)
            rules = opened(wanted, found) if step.key.kind == OPENING else wanted
            await self._load(step, str(step.resource.spec["provider"]), rules, applying)

    async def _load(self, step: Step, provider: str, rules: Ruleset, applying: Applying) -> None:
        token = await self._stage(step, provider, rules, applying)
        await self._confirm(step, token, applying)
        folder, name = _folder(applying.scope), step.key.name
        hook = shlex.join(("exec", "sh", f"{folder}/control", "load", name, f"{folder}/rules"))
        await boot_hook(applying.session, f"firewall-{name}", f"{hook}\n")

    async def _stage(self, step: Step, provider: str, rules: Ruleset, applying: Applying) -> str:
        """Load the rules for a while; the token that confirms them."""
        token = secrets.token_hex(8)
        backend, scope, name = self._backends[provider], applying.scope, step.key.name
        record = freeze_mapping({"provider": provider, "rules": rules.spec()})
        parts = (backend.control, backend.render(rules, name), canonical(masked(record)))
        stdin = b"".join(base64.b64encode(part.encode()) + b"\n" for part in parts)
        words = (_folder(scope), name, token, str(self._seconds))
        await _run(_script("load", *words), step, applying, "the rules could not be loaded", stdin)
        return token

    async def _confirm(self, step: Step, token: str, applying: Applying) -> None:
        """By a connection that is made after the rules were loaded: an older one may go on where no new one gets in."""
        applying.report("making sure that the host still lets Trellis in")
        try:
            async with asyncio.timeout(self._seconds / 2):
                fresh = await applying.connect()
        except (TrellisError, TimeoutError, OSError) as error:
            raise await self._cut_off(step, token, applying) from error
        try:
            confirm = _script("confirm", _folder(applying.scope), token)
            completed = await fresh.run(confirm, sudo=applying.scope.as_root)
        finally:
            await fresh.close()
        if completed.status != 0:
            raise ApplyError("the host went back to the old rules before they were confirmed", where=str(step.key))

    async def _cut_off(self, step: Step, token: str, applying: Applying) -> ApplyError:
        """The host goes back by itself; the connection that is still open may ask it to do so at once."""
        applying.report("no new connection gets in: the host goes back to the old rules")
        back = _script("restore", _folder(applying.scope), step.key.name, token)
        with suppress(TrellisError):  # it goes back when its time is up
            await applying.session.run(back, sudo=applying.scope.as_root)
        return ApplyError(
            "the new rules would cut Trellis off: no new connection got in, and the host put the old ones back",
            where=str(step.key),
            hint="see what is declared for the port of ssh there: trellis firewall show --host " + step.key.host,
        )

    async def _remove(self, step: Step, applying: Applying) -> None:
        scope = applying.scope
        script = _script("remove", _folder(scope), step.key.name, scope.data_dir)
        await _run(script, step, applying, "the rules could not be removed")
        await no_boot_hook(applying.session, f"firewall-{step.key.name}")


def _folder(scope: Scope) -> str:
    return f"{scope.folder}/{_FOLDER}"


async def _run(script: Sequence[str], step: Step, applying: Applying, what: str, stdin: bytes = b"") -> None:
    completed = await applying.session.run(script, stdin=stdin, sudo=applying.scope.as_root)
    if completed.status != 0:
        reason = completed.stderr.strip() or f"status {completed.status}"
        raise ApplyError(f"{what}: {reason}", where=str(step.key), hint="the old rules hold; see the reason above")


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    text = (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
    return ("sh", "-c", text, f"trellis-firewall-{name}", *arguments)
