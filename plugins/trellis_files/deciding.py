"""What is to be done about a file, and why; pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trellis.errors import UsageError
from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis.values import Value
from trellis_dsl.secret import Secret
from trellis_files.model import DesiredFile, FoundFile, like

_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class _Difference:
    """One thing that is not as it should be; `by_hand` when it is not as Trellis left it, either."""

    change: Change
    sentence: str
    by_hand: bool


def decide(desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
    """What is to be done about one file.

    Raises:
        UsageError: there is a folder, a link or a device where the file should be, or the spec cannot be used.
    """
    if desired is None:
        assert actual is not None  # noqa: S101 - the contract: at least one side is given
        return _decide_undeclared(FoundFile.of(actual))
    file = DesiredFile.of(desired)
    if actual is None:
        return Decision(Verb.CREATE, "new file", _content_change(file, None))
    found = FoundFile.of(actual)
    if found.type == "nothing":
        return _decide_missing(file, found)
    if found.type != "file":
        raise UsageError(
            f"there is a {_NAMES[found.type]} at {file.path}, and Trellis writes only to regular files",
            where=str(desired.key),
            hint=f"move {file.path} away on that host, or declare the file at another path",
        )
    if file.in_memory and not found.managed:
        raise UsageError(
            f"there is a file at {file.path} that Trellis did not write, and of a secret file's path it keeps no copy",
            where=str(desired.key),
            hint=f"move {file.path} away on that host, or declare the file at another path",
        )
    if file.kind == "initial":
        return _decide_initial(file, found)
    return _told(file, _decide_present(file, found, salt))


_NAMES = {"folder": "folder", "link": "symbolic link", "other": "device, socket or pipe"}


def _told(file: DesiredFile, decision: Decision) -> Decision:
    """The decision, saying who is told of a change."""
    if decision.verb is not Verb.UPDATE or file.tell is None:
        return decision
    return replace(decision, reason=f"{decision.reason}; {file.tell}")


def _decide_initial(file: DesiredFile, found: FoundFile) -> Decision:
    """Its content is the operators'; mode and owner are too, unless they are kept."""
    if not found.managed:
        return Decision(Verb.KEEP, "was there before; left as it is")
    differences = tuple(_attribute_differences(file, found)) if file.keep_mode else ()
    if not differences:
        return Decision(Verb.KEEP, "initial file, there already")
    reason = ", ".join(difference.sentence for difference in differences)
    changes = tuple(difference.change for difference in differences)
    return Decision(Verb.UPDATE, reason, changes, drift=any(difference.by_hand for difference in differences))


def _decide_undeclared(found: FoundFile) -> Decision:
    if not found.managed:
        return Decision(Verb.KEEP, "not written by Trellis")
    if removal_leaves(found):
        what = (
            "its content is the operators' by now" if found.type == "file" else f"a {_NAMES[found.type]} took its place"
        )
        return Decision(Verb.REMOVE, f"no longer declared; {what} and stays")
    if found.backed_up:
        return Decision(Verb.REMOVE, "no longer declared; what was there before Trellis is put back")
    gone = ", and gone already" if found.type == "nothing" else ""
    return Decision(Verb.REMOVE, f"no longer declared{gone}")


def drift(actual: Actual) -> str:
    """How a file is not as Trellis left it; empty when it is, and for an initial file, which is its operators'."""
    found = FoundFile.of(actual)
    last = found.last
    if not found.managed or found.unfinished or last.get("kind") == "initial":
        return ""
    if found.type != "file":
        gone = "removed by hand"
        return gone if found.type == "nothing" else f"{gone}, and a {_NAMES[found.type]} took its place"
    changed = ["content"] if found.content != last.get("content") else []
    changed += ["mode"] if found.mode != last.get("mode") else []
    for name, pair, default in (("owner", found.user, found.account[0]), ("group", found.group, found.account[1])):
        changed += [name] if (str(last.get(name) or "") or default) not in pair else []
    changed += ["copy for the boot"] if last.get("at_boot") and not found.for_boot else []
    return f"{', '.join(changed)} changed by hand" if changed else ""


def removal_leaves(found: FoundFile) -> bool:
    """Whether what is at the path stays when the stack no longer declares the file.

    An initial file belongs to the host's operators as soon as they have changed it; a link or a folder that took
    the file's place never was Trellis's.
    """
    if found.type == "file":
        return found.last.get("kind") == "initial" and found.content != found.last.get("content")
    return found.type != "nothing"


def _decide_missing(file: DesiredFile, found: FoundFile) -> Decision:
    if found.unfinished:
        return Decision(Verb.CREATE, "an earlier run did not finish", _content_change(file, None))
    if file.in_memory:
        return Decision(Verb.CREATE, "was in memory and is gone, put back", _content_change(file, None))
    return Decision(Verb.CREATE, "removed by hand, restored", _content_change(file, None), drift=True)


def _decide_present(file: DesiredFile, found: FoundFile, salt: bytes) -> Decision:
    differences = tuple(_differences(file, found, salt))
    changes = tuple(difference.change for difference in differences)
    reasons = [difference.sentence for difference in differences]
    if not found.managed:
        if not differences:
            return Decision(Verb.KEEP, "already equal")
        kept = f"its old content is kept in {found.backup} and put back on removal"
        return Decision(Verb.UPDATE, f"was there before Trellis; {kept}", changes)
    if found.unfinished and not differences:
        return Decision(Verb.UPDATE, "an earlier run did not finish")
    if found.last.get("kind") != file.kind:
        reasons.append(f"kind {found.last.get('kind')} → {file.kind}")
    if not reasons:
        return Decision(Verb.KEEP, "already equal")
    by_hand = any(difference.by_hand for difference in differences)
    return Decision(Verb.UPDATE, ", ".join(reasons), changes, drift=by_hand)


def _differences(file: DesiredFile, found: FoundFile, salt: bytes) -> Iterator[_Difference]:
    last = found.last
    by_trellis = not found.managed or found.unfinished
    hashed = hashlib.sha256(file.content).hexdigest()
    if like(found.content, hashed, salt) != found.content:
        by_hand = not by_trellis and found.content != last.get("content")
        in_stack = like(str(last.get("content", "")), hashed, salt) != last.get("content")
        (change,) = _content_change(file, found)
        yield _Difference(change, _content_sentence(by_hand=by_hand, in_stack=in_stack), by_hand)
    yield from _attribute_differences(file, found)
    yield from _boot_difference(file, found)


def _boot_difference(file: DesiredFile, found: FoundFile) -> Iterator[_Difference]:
    """Whether the host can put it back by itself, as it should or should not."""
    kept = bool(found.last.get("at_boot"))
    if file.at_boot != kept:
        sentence = "kept encrypted for the host's boot" if file.at_boot else "no longer kept for the host's boot"
        yield _Difference(Change("at_boot", kept, file.at_boot), sentence, by_hand=False)
    elif kept and not found.for_boot and not found.unfinished:
        sentence = "its copy for the host's boot was removed by hand, made again"
        yield _Difference(Change("at_boot", before=False, after=True), sentence, by_hand=True)


def _attribute_differences(file: DesiredFile, found: FoundFile) -> Iterator[_Difference]:
    last = found.last
    by_trellis = not found.managed or found.unfinished
    if file.mode != found.mode:
        by_hand = not by_trellis and found.mode != last.get("mode")
        yield _attribute("mode", f"{found.mode:04o}", f"{file.mode:04o}", by_hand=by_hand)
    for name, wanted, pair, default in (
        ("owner", file.owner, found.user, found.account[0]),
        ("group", file.group, found.group, found.account[1]),
    ):
        if (wanted or default) not in pair:
            by_hand = not by_trellis and (str(last.get(name) or "") or default) not in pair
            yield _attribute(name, pair[0], wanted or default, by_hand=by_hand)


def _attribute(name: str, before: str, after: str, *, by_hand: bool) -> _Difference:
    sentence = f"{name} {before} set by hand, back to {after}" if by_hand else f"{name} {before} → {after}"
    return _Difference(Change(name, before, after), sentence, by_hand)


def _content_sentence(*, by_hand: bool, in_stack: bool) -> str:
    if by_hand and in_stack:
        return "content changed by hand and in the stack; the stack's is written"
    return "content changed by hand, restored" if by_hand else "content changed"


def _content_change(file: DesiredFile, found: FoundFile | None) -> tuple[Change, ...]:
    """Both texts, when both can be shown; else what tells the contents apart; secrets as secrets."""
    if file.secret:
        return (Change("content", Secret(found.content) if found else None, Secret(file.content.decode())),)
    text = file.text
    if text is not None and (found is None or found.text is not None):
        return (Change("content", found.text if found else None, text),)
    after = _described(hashlib.sha256(file.content).hexdigest(), len(file.content))
    return (Change("content", _described_found(found), after),)


def _described_found(found: FoundFile | None) -> Value:
    if found is None:
        return None
    kind, _, digits = found.content.partition(":")
    return Secret(found.content) if kind == "secret" else _described(digits, found.size)


def _described(sha256: str, size: int) -> str:
    return f"{size} bytes, SHA-256 {sha256[:_SHOWN_DIGITS]}…"
