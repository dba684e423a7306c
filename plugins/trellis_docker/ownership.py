"""Which containers of an engine are Trellis's own."""

import asyncio
from collections.abc import Iterable, Sequence

from trellis.plugin.contracts import Scope
from trellis_docker.client import Engine
from trellis_docker.facts import Json, listed_name
from trellis_docker.labels import NAME, is_ours, spec_of


async def own_containers(engine: Engine, listed: Iterable[Json], scope: Scope) -> Sequence[Json]:
    """Those of the listed containers that Trellis made for the scope.

    A container of an image that somebody committed from one of ours bears our labels too. It cannot have the name,
    so only containers under unexpected names are asked where their labels come from.
    """
    ours = [one for one in listed if is_ours(one.get("Labels"), scope)]
    odd = [one for one in ours if not _has_own_name(one)]
    images = await asyncio.gather(*(engine.image(one["ImageID"]) for one in odd))
    copies = [one["Id"] for one, image in zip(odd, images, strict=True) if image and _labelled(image)]
    return [one for one in ours if one["Id"] not in copies]


def _has_own_name(container: Json) -> bool:
    name = spec_of(container["Labels"]).get("name")
    return listed_name(container) in (name, f"{name}.previous")


def _labelled(image: Json) -> bool:
    return NAME in ((image.get("Config") or {}).get("Labels") or {})
