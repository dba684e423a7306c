"""How two specs of a container differ, as sentences; only what cannot be changed in place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from trellis.values import Value, freeze
from trellis_docker.spec import ContainerSpec


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, and why it matters; `drift` when somebody else made it."""

    path: str
    before: Value
    after: Value
    reason: str
    drift: bool = False


def differences(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    """What of `wanted` needs a new container, in the order in which a reader asks."""
    for compare in (_image, _env, _plain, _ports, _mounts, _labels):
        yield from compare(given, wanted)


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag or digest: ``("shop/website", "7.1")``; Docker's default tag is ``latest``."""
    repository, at, digest = reference.partition("@")
    if at:
        return repository, digest
    before, colon, tag = reference.rpartition(":")
    # A colon before a slash belongs to a registry's port.
    return (before, tag) if colon and "/" not in tag else (reference, "latest")


def limit_text(path: str, value: int) -> str:
    """A limit as people write it: ``256 MiB``, ``0.5 cores``, ``none``."""
    if path == "cpu_shares":
        return f"{value / 1024:g} cores"
    if not value:
        return "none"
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value % size == 0:
            return f"{value // size} {unit}"
    return f"{value} bytes"


def _image(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    if given.image == wanted.image:
        return
    (old, old_tag), (new, new_tag) = split_reference(given.image), split_reference(wanted.image)
    change = f"{old_tag} → {new_tag}" if old == new else f"{given.image} → {wanted.image}"
    yield Difference("image", given.image, wanted.image, f"image {change}")


def _env(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    names = _changed(given.env, wanted.env)
    if names:
        before, after = ({name: spec.env.get(name) for name in names} for spec in (given, wanted))
        yield Difference("env", freeze(before), freeze(after), f"environment changed: {', '.join(names)}")


_PLAIN: tuple[tuple[str, Callable[[ContainerSpec], Value], str], ...] = (
    ("name", lambda spec: spec.name, "name {before} → {after}"),
    ("command", lambda spec: spec.command, "command changed"),
    ("user", lambda spec: spec.user, "user {before} → {after}"),
    ("network", lambda spec: spec.network, "network {before} → {after}"),
    ("aliases", lambda spec: spec.aliases, "names on the network changed"),
    ("extra_hosts", lambda spec: spec.extra_hosts, "addresses of other services changed"),
    ("links", lambda spec: spec.links, "places of other services changed"),
    ("macs", lambda spec: spec.macs, "MAC addresses changed"),
    ("stop_grace", lambda spec: spec.stop_grace, "time to stop {before} s → {after} s"),
    ("files", lambda spec: spec.files, "files changed"),
)


def _plain(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    for path, read, sentence in _PLAIN:
        before, after = read(given), read(wanted)
        if before != after:
            yield Difference(path, before, after, sentence.format(before=_word(before), after=_word(after)))
    if given.memory and not wanted.memory:
        before, after = given.memory, wanted.memory
        yield Difference("memory", before, after, f"memory limit {limit_text('memory', before)} → none")


def _word(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value not in ("", ()) else "the image's own"


def _ports(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    if sorted(given.ports, key=str) == sorted(wanted.ports, key=str):
        return
    before, after = (tuple(map(str, spec.ports)) for spec in (given, wanted))
    yield Difference("ports", before, after, f"ports {', '.join(before) or 'none'} → {', '.join(after) or 'none'}")


def _mounts(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    before, after = ({mount.target: mount for mount in spec.mounts} for spec in (given, wanted))
    targets = sorted(target for target in before | after if before.get(target) != after.get(target))
    if targets:
        old, new = (tuple(f"{mount.source}:{mount.target}" for mount in spec.mounts) for spec in (given, wanted))
        yield Difference("mounts", old, new, f"mounts changed: {', '.join(targets)}")


def _labels(given: ContainerSpec, wanted: ContainerSpec) -> Iterator[Difference]:
    before, after = given.labels or {}, wanted.labels or {}
    names = _changed(before, after)
    if names:
        yield Difference("labels", freeze(before), freeze(after), f"labels changed: {', '.join(names)}")


def _changed(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """Names whose values differ, sorted; a name on one side only counts."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if name not in before or name not in after or before[name] != after[name])
