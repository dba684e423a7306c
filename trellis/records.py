"""Lines of JSON that a provider keeps on a host about what it applied there, and reads again in the next run."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from trellis.errors import TrellisError
from trellis.resources import Owner
from trellis.values import canonical, freeze_mapping, masked


def record_line(spec: Mapping[str, Any], owner: Owner, **more: object) -> str:
    """One line: the spec with its secrets masked, whose it is, and what else the provider remembers."""
    whose = {"role": owner.role, "service": owner.service, "index": owner.index}
    return canonical({"spec": masked(freeze_mapping(spec)), "owner": whose, **more})


def recorded_owner(value: Mapping[str, Any]) -> Owner:
    """Whose it is, of a record that was read. Raises `KeyError`, `TypeError` or `ValueError` where that is not said."""
    owner = value["owner"]
    return Owner(str(owner["role"]), str(owner["service"]), int(owner["index"]))


@contextmanager
def reading_record(
    line: str, what: str, where: str, *, decode: Callable[[str], str | bytes] = str
) -> Iterator[Mapping[str, Any]]:
    """The record in a line, for a block that takes what it needs from it.

    Args:
        line: the line.
        what: it is about, for the error.
        where: it was found, likewise.
        decode: to JSON, where the line is something else.

    Raises:
        TrellisError: the line is no record of `what`, or lacks what the block looks for.
    """
    try:
        yield json.loads(decode(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrellisError(
            f"what Trellis keeps about {what} is not readable: {line[:80]!r}",
            where=where,
            hint="another version of Trellis wrote it, or it was edited by hand; use that version",
        ) from error
