"""What differs between two blueprints, in the words of the stack: services, images, endpoints, paths, storage; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trellis.blueprint import Blueprint, ConfigSpec, RoleSpec, ServiceSpec, StorageSpec
from trellis.overrides.attributes import count_text
from trellis_dsl.quantities import format_bytes


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing that differs.

    Attributes:
        kind: ``service``, ``image``, ``endpoint``, ``site``, ``storage``, ``firewall path``, ``config``…
        subject: ``Website``, ``Website.http``, ``Website → MariaDB.sql``.
        before: how it was, as text; None when it was not there.
        after: how it is; None when it is gone.
    """

    kind: str
    subject: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """``~ image Website: shop/website:7.1 → shop/website:7.2``."""
        if self.before is None:
            return f"+ {self.kind} {self.subject}{_told(self.after)}"
        if self.after is None:
            return f"- {self.kind} {self.subject}{_told(self.before)}"
        return f"~ {self.kind} {self.subject}: {self.before or 'none'} → {self.after or 'none'}"


Facts = Mapping[tuple[str, str], str]
"""Kind and subject of everything that a blueprint says, and what it says about it."""

_KINDS = (
    "service", "image", "command", "user", "endpoint", "site", "connection", "firewall path", "needs", "health",
    "update", "relocatable", "priority", "network", "label", "mount", "file", "stop grace", "role", "runs", "storage",
    "reserves", "conflicts", "config",
)  # fmt: skip


# What goes without saying when a service or role comes or goes.
_USUAL = {
    ("relocatable", "no"), ("network", "stack"), ("priority", "0"), ("stop grace", "10 s"), ("needs", "0"),
    ("needs", "0 B"), ("needs", "0 bit/s"), ("update", "stop first, 1 at a time, pause 0 s"),
    ("reserves", "0 cores, 0 B"),
}  # fmt: skip


def differences(before: Blueprint, after: Blueprint) -> tuple[Difference, ...]:
    """What differs, by kind in a fixed order, then by subject; what comes or goes with a service or role is in it."""
    old, new = facts(before), facts(after)
    moved = sorted(
        (key for key in old.keys() | new.keys() if _is_told(key[0], old.get(key), new.get(key))),
        key=lambda key: (_KINDS.index(key[0]), key[1]),
    )
    return tuple(
        Difference(kind, subject, old.get((kind, subject)), new.get((kind, subject))) for kind, subject in moved
    )


def _is_told(kind: str, before: str | None, after: str | None) -> bool:
    if before is None or after is None:
        return (kind, before or after) not in _USUAL and before != after
    return before != after


def facts(blueprint: Blueprint) -> dict[tuple[str, str], str]:
    """Everything that a blueprint says, one entry for each thing that can change by itself."""
    found: dict[tuple[str, str], str] = {}
    for service in blueprint.services:
        found.update(_service(service))
    for role in blueprint.roles:
        found.update(_role(role))
    found.update((("config", spec.key), _config(spec)) for spec in blueprint.config)
    found.update(_paths(blueprint))
    return found


def _service(service: ServiceSpec) -> Iterator[tuple[tuple[str, str], str]]:
    name, update = service.name, service.update
    yield ("service", name), ""
    yield ("image", name), service.image
    yield ("relocatable", name), service.relocatable
    yield ("network", name), service.network
    yield ("priority", name), str(service.priority)
    yield ("stop grace", name), f"{service.stop_grace:g} s"
    yield from _optional("command", name, " ".join(service.command))
    yield from _optional("user", name, service.user)
    if service.health:
        health = service.health
        yield (
            ("health", name),
            f"{health.kind} {health.endpoint}{health.path}{' '.join(health.argv)}, {health.timeout:g} s",
        )
    way = "start first" if update.start_first else "stop first"
    yield ("update", name), f"{way}, {update.batch} at a time, pause {update.pause:g} s"
    yield from ((("update", f"{name}.{method}"), f"from {pattern}") for method, pattern in update.methods)
    for need, text in _needs(service):
        yield ("needs", f"{name}.{need}"), text
    for end in service.endpoints:
        fixed = f", on host port {end.host_port}" if end.host_port else ""
        yield ("endpoint", f"{name}.{end.name}"), f"{end.port}/{end.protocol}{fixed}{', public' if end.public else ''}"
    for to in service.connections:
        yield ("connection", f"{name}.{to.name}"), f"{to.service}.{to.endpoint}{'' if to.ordered else ', any order'}"
    for site in service.sites:
        domain = site.domain or f"config {site.domain_config}"
        yield ("site", f"{name}.{site.name}"), f"{domain}{site.path} to {site.endpoint}{', TLS' if site.tls else ''}"
    yield from ((("mount", f"{name}.{mount.name}"), mount.path) for mount in service.mounts)
    yield from ((("label", f"{name}.{key}"), text) for key, text in service.labels)
    yield from _files(name, service)


def _files(name: str, owner: ServiceSpec | RoleSpec) -> Iterator[tuple[tuple[str, str], str]]:
    for file in owner.files:
        content = f" of {file.source} {file.sha256[:12]}" if file.source else ""
        yield ("file", f"{name}.{file.name}"), f"{file.kind} {file.path}{content}, mode {file.mode:o}"


def _needs(service: ServiceSpec) -> Iterator[tuple[str, str]]:
    needs = service.needs
    yield "cpu", f"{needs.cpu:g}"
    yield "memory", format_bytes(needs.memory)
    yield "disk", format_bytes(needs.disk)
    yield "network", f"{needs.network} bit/s"


def _role(role: RoleSpec) -> Iterator[tuple[tuple[str, str], str]]:
    yield ("role", role.name), ""
    yield from _optional("conflicts", role.name, ", ".join(role.conflicts_with))
    yield ("reserves", role.name), f"{role.reserves.cpu:g} cores, {format_bytes(role.reserves.memory)}"
    for run in role.runs:
        where = [
            *run.spread_over,
            *run.apart_from,
            *run.together_with,
            *map(str, run.requires_labels + run.requires_facts),
        ]
        storages = "".join(f", {mount} on {storage}" for mount, storage in run.storages)
        rules = f" ({', '.join(where)})" if where else ""
        yield ("runs", f"{role.name}.{run.name}"), f"{run.service}, {count_text(run.policy)}{storages}{rules}"
    for storage in role.storages:
        yield ("storage", f"{role.name}.{storage.name}"), storage_text(storage)
    yield from _files(role.name, role)


def storage_text(storage: StorageSpec) -> str:
    """``20 GiB, local, active on 1``."""
    copies = f", {storage.replication}" if storage.replication else ""
    active = f", active on {storage.active}" if storage.active else ""
    return f"{format_bytes(storage.size)}, {storage.backend}{copies}{active}"


def _config(spec: ConfigSpec) -> str:
    return f"{spec.type}, required" if spec.required else f"{spec.type}, default {spec.default}"


def _paths(blueprint: Blueprint) -> Iterator[tuple[tuple[str, str], str]]:
    """The ways through the firewall that connections and public endpoints open."""
    ports = {
        (service.name, end.name): f"{end.port}/{end.protocol}"
        for service in blueprint.services
        for end in service.endpoints
    }
    for service in blueprint.services:
        for to in service.connections:
            yield (("firewall path", f"{service.name} → {to.service}.{to.endpoint}"), ports[to.service, to.endpoint])
        for end in service.endpoints:
            if end.public:
                yield ("firewall path", f"anyone → {service.name}.{end.name}"), ports[service.name, end.name]


def _optional(kind: str, subject: str, text: str) -> Iterator[tuple[tuple[str, str], str]]:
    if text:
        yield (kind, subject), text


def _told(text: str | None) -> str:
    return f": {text}" if text else ""
