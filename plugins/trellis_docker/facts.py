"""What Docker's JSON says about a host: Trellis's own things as `Actual`, what others use as `ForeignUse`."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trellis.hosts import ForeignUse
from trellis.plugin.contracts import Scope
from trellis.resources import Actual, ResourceKey
from trellis.values import freeze_mapping
from trellis_docker.labels import NAME, is_ours, owner_of, spec_of
from trellis_docker.spec import container_spec

Json = Mapping[str, Any]
"""A JSON object as Docker sends it."""

_ALIVE = ("running", "restarting", "paused")


@dataclass(frozen=True, slots=True)
class Found:
    """What was read from one engine.

    Attributes:
        containers: inspected, ours.
        networks: as listed, all.
        volumes: as listed, all.
        images: reference to the inspected image; a reference that the engine does not know is left out.
        listed: containers as listed, all.
    """

    containers: Sequence[Json] = ()
    networks: Sequence[Json] = ()
    volumes: Sequence[Json] = ()
    images: Mapping[str, Json] = field(default_factory=dict)
    listed: Sequence[Json] = ()


def actuals(found: Found, scope: Scope, host: str) -> list[Actual]:
    """Everything that Trellis made for the scope, and foreign things that sit on its names."""
    networks = {actual.key: actual for actual in _networks(found, scope, host)}
    return [
        *_images(found, host),
        *networks.values(),
        *_volumes(found, scope, host),
        *_containers(found, scope, host),
        *_squatters(found, scope, host),
    ]


def listed_name(container: Json) -> str:
    """A listed container's own name; links add more names, with a slash inside."""
    names = [name.removeprefix("/") for name in container.get("Names") or ()]
    return next((name for name in names if "/" not in name), "")


def macs_of(container: Json) -> frozenset[str]:
    """The MAC addresses that a listed container has now; one that does not run has none."""
    if container.get("State") not in _ALIVE:
        return frozenset()
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return frozenset(str(end["MacAddress"]) for end in networks.values() if end.get("MacAddress"))


def references(found: Found, scope: Scope) -> set[str]:
    """The images that are asked about: the expected ones and those of the scope's containers."""
    expected = {key.name for key in scope.expected if key.kind == "image"}
    used = {str(spec_of(_labels(container)).get("image", "")) for container in found.containers}
    return (expected | used) - {""}


def takes_from(container: Json, scope: Scope) -> bool:
    """Whether a listed container is somebody else's and takes something of the host now."""
    return not is_ours(container.get("Labels"), scope) and container.get("State") in _ALIVE


def foreign_use(listed: Iterable[Json], inspected: Iterable[Json], scope: Scope) -> ForeignUse:
    """What containers of others may take: their limits, and the ports that they publish.

    Args:
        listed: all containers.
        inspected: those for which `takes_from` holds.
        scope: whose own containers do not count.

    A container without a limit counts as 0: what it takes is part of the host's own load. Containers of other
    Trellis stacks count with the cores and bytes that their spec asks for.
    """
    theirs = [one for one in listed if takes_from(one, scope)]
    ports = {
        (str(port["Type"]), int(port["PublicPort"]))
        for container in theirs
        for port in container.get("Ports") or ()
        if port.get("PublicPort")
    }
    limits = [_limits(one) for one in inspected]
    return ForeignUse(
        cpu=round(sum((cpu for cpu, _ in limits), 0.0), 3),
        memory=sum(memory for _, memory in limits),
        ports=frozenset(ports),
    )


def _limits(container: Json) -> tuple[float, int]:
    """Cores and bytes."""
    spec = spec_of(_labels(container))
    if spec:
        made_from = container_spec(spec)
        return made_from.cpu, made_from.memory
    limits = container["HostConfig"]
    cpu = (limits.get("NanoCpus") or 0) / 1e9
    quota = limits.get("CpuQuota") or 0
    if not cpu and quota > 0:
        cpu = quota / (limits.get("CpuPeriod") or 100_000)
    return cpu, max(0, limits.get("Memory") or limits.get("MemoryReservation") or 0)


def _labels(inspected: Json) -> Mapping[str, str]:
    labels: Mapping[str, str] | None = inspected["Config"].get("Labels")
    return labels or {}


def _images(found: Found, host: str) -> Iterable[Actual]:
    for reference, image in found.images.items():
        yield Actual(
            ResourceKey("image", reference, host),
            spec=freeze_mapping({"reference": reference}),
            state=freeze_mapping({"id": image["Id"], "size": image.get("Size", 0)}),
        )


def _networks(found: Found, scope: Scope, host: str) -> Iterable[Actual]:
    ours = [network for network in found.networks if is_ours(network.get("Labels"), scope)]
    count = Counter(network["Name"] for network in ours)
    for network in sorted(ours, key=lambda one: str(one.get("Created", "")), reverse=True):
        # Of several with one name the oldest comes last, and so is the one that counts.
        labels = network["Labels"]
        state = {"id": network["Id"], "driver": network.get("Driver", ""), "copies": count[network["Name"]]}
        yield Actual(
            ResourceKey("network", labels[NAME], host), spec_of(labels), freeze_mapping(state), owner_of(labels)
        )


def _volumes(found: Found, scope: Scope, host: str) -> Iterable[Actual]:
    for volume in found.volumes:
        labels = volume.get("Labels") or {}
        if is_ours(labels, scope):
            yield Actual(
                ResourceKey("volume", labels[NAME], host),
                spec=spec_of(labels),
                state=freeze_mapping({"name": volume["Name"], "mountpoint": volume.get("Mountpoint", "")}),
                owner=owner_of(labels),
            )


def _containers(found: Found, scope: Scope, host: str) -> Iterable[Actual]:
    twins: dict[str, list[Json]] = {}
    for container in found.containers:
        if is_ours(_labels(container), scope):
            twins.setdefault(_labels(container)[NAME], []).append(container)
    network_ids = {network["Name"]: network["Id"] for network in found.networks}
    recorded = {str(one.get("Id")): str(one.get("State")) for one in found.listed}
    for name, candidates in twins.items():
        chosen = max(candidates, key=_rank)
        yield Actual(
            ResourceKey("container", name, host),
            spec=spec_of(_labels(chosen)),
            state=freeze_mapping(
                {
                    **_state(chosen, len(candidates), found.images, network_ids),
                    "unrecorded": is_unrecorded(chosen, recorded.get(str(chosen["Id"]), "")),
                    "spare_image": _spare_image(candidates, chosen),
                }
            ),
            owner=owner_of(_labels(chosen)),
        )


def is_current(container: Json) -> bool:
    """Whether an inspected container bears the name that it was made for."""
    return str(container["Name"]).removeprefix("/") == spec_of(_labels(container)).get("name")


def is_unrecorded(container: Json, listed_state: str) -> bool:
    """Whether it runs although the engine's own record says that it never did.

    An engine whose disk is full starts a container and cannot write that down; it would not start it at a reboot.
    """
    return listed_state == "created" and container["State"]["Status"] == "running"


def _rank(container: Json) -> tuple[bool, str]:
    """The one under its own name first, then the youngest of those that wait under another."""
    return (is_current(container), str(container.get("Created", "")))


def _state(container: Json, twins: int, images: Mapping[str, Json], network_ids: Json) -> dict[str, object]:
    state, limits = container["State"], container["HostConfig"]
    reference = str(spec_of(_labels(container)).get("image") or container["Config"]["Image"])
    return {
        "id": container["Id"],
        "name": str(container["Name"]).removeprefix("/"),
        "status": state["Status"],
        "running": state["Status"] == "running",
        "health": (state.get("Health") or {}).get("Status", "none"),
        "image": reference,
        "image_id": container["Image"],
        "image_now": images[reference]["Id"] if reference in images else "",
        "started_at": state.get("StartedAt", ""),
        "exit_status": state.get("ExitCode", 0),
        "out_of_memory": bool(state.get("OOMKilled")),
        "restarts": container.get("RestartCount", 0),
        "ports": _ports(container),
        "memory": limits.get("Memory") or 0,
        "cpu_shares": limits.get("CpuShares") or 1024,
        "restart_policy": (limits.get("RestartPolicy") or {}).get("Name", ""),
        "networks": _attachments(container, network_ids),
        "current": is_current(container),
        "previous": twins > 1 or not is_current(container),
    }


def _spare_image(candidates: Sequence[Json], chosen: Json) -> str:
    """The image of what waits beside the one under its own name until a replacement is through; empty without one."""
    spares = [one for one in candidates if one is not chosen] if is_current(chosen) else []
    return str(spec_of(_labels(spares[0])).get("image", "")) if spares else ""


def _attachments(container: Json, network_ids: Json) -> list[str]:
    """The networks that it is on, without those that were removed and made anew since."""
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return sorted(
        name
        for name, end in networks.items()
        if not end.get("NetworkID") or end["NetworkID"] == network_ids.get(name, end["NetworkID"])
    )


def _ports(container: Json) -> list[dict[str, object]]:
    """The ports that it takes on the host: published ones, or its own on the host's network."""
    if container["HostConfig"].get("NetworkMode") == "host":
        ports: Any = spec_of(_labels(container)).get("ports") or ()
        return [dict(port) for port in ports]
    return [
        {
            "container_port": int(key.partition("/")[0]),
            "protocol": key.partition("/")[2],
            "host_ip": binding.get("HostIp", ""),
            "host_port": int(binding.get("HostPort") or 0),
        }
        for key, bindings in sorted((container["HostConfig"].get("PortBindings") or {}).items())
        for binding in bindings or ()
    ]


def host_ports(container: Json) -> set[tuple[str, int]]:
    """The (protocol, port) pairs that an inspected container takes on its host."""
    return {(str(port["protocol"]), int(str(port["host_port"]))) for port in _ports(container)}


def age(actual: Actual, now: datetime) -> float:
    """Seconds since a container was started, by two machines' clocks; infinite when that is not known."""
    try:
        started = datetime.fromisoformat(str(actual.state.get("started_at")))
    except ValueError:
        return math.inf
    return max(0.0, (now - started).total_seconds())


def _squatters(found: Found, scope: Scope, host: str) -> Iterable[Actual]:
    """Foreign things under names that the environment's own would get."""
    prefix = f"{scope.stack}-{scope.environment}"
    listings = (
        ("container", [(listed_name(one), one) for one in found.listed], f"{prefix}-"),
        ("network", [(one["Name"], one) for one in found.networks], ""),
        ("volume", [(one["Name"], one) for one in found.volumes], ""),
    )
    for kind, things, strip in listings:
        for name, thing in things:
            taken = name == prefix or name.startswith(f"{prefix}-")
            if taken and not is_ours(thing.get("Labels"), scope):
                key = ResourceKey(kind, name.removeprefix(strip), host)
                yield Actual(key, state=freeze_mapping({"name": name}), foreign=True)
