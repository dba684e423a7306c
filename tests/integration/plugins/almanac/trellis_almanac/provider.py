"""Keeps pages on hosts."""

from collections.abc import Mapping, Sequence

from trellis.errors import ApplyError, TrellisError
from trellis.hosts import HostSession
from trellis.plans import Change, Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_almanac.pages import KIND

_OBSERVE = (
    'for page in "$1"/*; do [ -f "$page" ] && printf "%s\\t%s\\n" "${page##*/}" "$(head -n 1 "$page")"; done; exit 0'
)
_WRITE = 'mkdir -p "${1%/*}" && cat >"$1.new" && mv "$1.new" "$1"'
_REMOVE = 'rm -f "$1"; rmdir "${1%/*}" "${1%/*/*}" "${1%/*/*/*}" 2>/dev/null; exit 0'


class PageProvider:
    """Provider of `almanac-page` resources; their spec: `path` and `text`, one line."""

    kinds: Mapping[str, int] = {KIND: 42}

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """Every page of the scope."""
        folder = f"{scope.folder}/almanac"
        answer = await session.run(("sh", "-c", _OBSERVE, "almanac", folder), sudo=scope.as_root)
        if answer.status:
            raise TrellisError(f"the almanac's pages could not be read: {answer.stderr.strip()}")
        return [_actual(line, folder, session.host.name) for line in answer.stdout.splitlines()]

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:  # noqa: ARG002 - no secrets
        """Equal, another text, new or no longer declared."""
        if desired is None:
            return Decision(Verb.REMOVE, "no longer declared")
        if actual is None:
            return Decision(Verb.CREATE, "new page")
        before, after = actual.spec["text"], desired.spec["text"]
        if before == after:
            return Decision(Verb.KEEP, "already equal")
        return Decision(Verb.UPDATE, "another text", (Change("text", before, after),))

    async def apply(self, step: Step, applying: Applying) -> None:
        """Write the page, or take it away."""
        known = step.resource or step.actual
        assert known is not None
        script = _REMOVE if step.verb is Verb.REMOVE else _WRITE
        argv = ("sh", "-c", script, "almanac", str(known.spec["path"]))
        answer = await applying.session.run(argv, stdin=str(known.spec["text"]).encode(), sudo=applying.scope.as_root)
        if answer.status:
            raise ApplyError(f"{step.key.name} failed: {answer.stderr.strip()}", where=f"host {step.key.host}")


def _actual(line: str, folder: str, host: str) -> Actual:
    name, _, text = line.partition("\t")
    spec = freeze_mapping({"path": f"{folder}/{name}", "text": f"{text}\n"})
    return Actual(ResourceKey(KIND, name, host), spec)
