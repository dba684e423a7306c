"""Merges without a checkout: two commits give a tree, or the conflicts that stand between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trellis.overrides.merging import contradicting, merge_overrides, raw_entries
from trellis.overrides.model import OVERRIDES_FILE
from trellis.revisions.repository import Repository


@dataclass(frozen=True, slots=True)
class Conflict:
    """Where two sides contradict each other.

    Attributes:
        where: a file, or an attribute of the stack.
        ours: what the environment's side says.
        theirs: what the other side says.
    """

    where: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged tree; worth nothing while there are conflicts."""

    tree: str
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Raw:
    """What ``git merge-tree`` says of one pair: stages of files in conflict, by path, and its own words."""

    clean: bool
    tree: str
    stages: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def merge(repository: Repository, ours: str, theirs: str) -> Merged:
    """Merge two commits."""
    return merge_all(repository, [(ours, theirs)])[0]


def merge_all(repository: Repository, pairs: Sequence[tuple[str, str]]) -> tuple[Merged, ...]:
    """Merge each pair of commits; one process for all that git can merge by itself."""
    if not pairs:
        return ()
    repository.check_version()
    asked = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs)
    return tuple(_settled(repository, raw) for raw in _parse(repository.merge_tree(asked)))


def conflicting(repository: Repository, pairs: Sequence[tuple[str, str]]) -> tuple[bool, ...]:
    """Whether each pair of commits contradicts itself in text or in what is overridden; made for thousands of pairs."""
    if not pairs:
        return ()
    repository.check_version()
    path = f"{repository.prefix}{OVERRIDES_FILE}"
    known: dict[str, Mapping[str, str]] = {}

    def entries(blob: str) -> Mapping[str, str]:
        if blob not in known:
            known[blob] = raw_entries(repository.blob(blob)) if blob else {}
        return known[blob]

    def contradicts(raw: _Raw) -> bool:
        if raw.clean or any(other != path for other in (*raw.stages, *raw.words)):
            return not raw.clean
        base, ours, theirs = (entries(raw.stages[path].get(stage, "")) for stage in (1, 2, 3))
        return bool(contradicting(base, ours, theirs))

    asked = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs)
    return tuple(contradicts(raw) for raw in _parse(repository.merge_tree(asked)))


def three_way(repository: Repository, base: str, ours: str, theirs: str) -> Merged:
    """Bring to the tree `ours` what leads from the tree `base` to the tree `theirs`."""
    root = repository.commit(base, (), "base")
    sides = [repository.commit(tree, (root,), "side") for tree in (ours, theirs)]
    return merge(repository, sides[0], sides[1])


def _parse(said: str) -> Iterator[_Raw]:
    """The output of ``git merge-tree --stdin``, as git-merge-tree(1) describes it; 0 is a conflict there."""
    words = iter(said.split("\0"))
    for status in words:
        if not status.strip():
            continue
        clean, tree = status.strip() == "1", next(words)
        stages: dict[str, dict[int, str]] = {}
        for entry in iter(lambda: next(words, ""), ""):
            info, _, path = entry.partition("\t")
            _, blob, stage = info.split(" ")
            stages.setdefault(path, {})[int(stage)] = blob
        yield _Raw(clean, tree, stages, {} if clean else dict(_messages(words)))


def _messages(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Path and sentence of each conflict."""
    for count in iter(lambda: next(words, "").strip(), ""):
        paths = [next(words) for _ in range(int(count))]
        kind, sentence = next(words), next(words)
        if kind.startswith("CONFLICT"):
            yield from ((path, sentence.strip()) for path in paths)


def _settled(repository: Repository, raw: _Raw) -> Merged:
    if raw.clean:
        return Merged(raw.tree)
    path = f"{repository.prefix}{OVERRIDES_FILE}"
    conflicts = [
        _shown(repository, other, raw) for other in sorted(raw.stages.keys() | raw.words.keys()) if other != path
    ]
    if path not in raw.stages:
        return Merged(raw.tree, tuple(conflicts))
    texts = {stage: repository.blob(blob) for stage, blob in raw.stages[path].items()}
    merged, contradictions = merge_overrides(texts.get(1, ""), texts.get(2, ""), texts.get(3, ""))
    conflicts += [Conflict(key, ours, theirs) for key, ours, theirs in contradictions]
    tree = raw.tree if conflicts else repository.changed_tree(raw.tree, {OVERRIDES_FILE: merged or None})
    return Merged(tree, tuple(conflicts))


def _shown(repository: Repository, path: str, raw: _Raw) -> Conflict:
    stages = raw.stages.get(path, {})
    if {2, 3} <= stages.keys():
        ours, theirs = (repository.blob(stages[stage]) for stage in (2, 3))
        base = repository.blob(stages[1]) if 1 in stages else ""
        return Conflict(path, *_differing(base, ours, theirs))
    missing = raw.words.get(path, "changed on one side, removed on the other")
    sides = ("there" if 2 in stages else "removed", "there" if 3 in stages else "removed")
    return Conflict(f"{path}: {missing}", *sides) if not stages else Conflict(path, *sides)


def _differing(base: str, ours: str, theirs: str) -> tuple[str, str]:
    """The lines of each side that the other one lacks, without those that the base has too."""
    before, left, right = set(base.splitlines()), ours.splitlines(), theirs.splitlines()
    own = [line for line in left if line not in before and line not in right]
    other = [line for line in right if line not in before and line not in left]
    return "\n".join(own) or "(lines removed)", "\n".join(other) or "(lines removed)"
