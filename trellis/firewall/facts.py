"""What the observing script prints about a host's firewall, as found resources; pure."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trellis.firewall.model import Ruleset, ruleset_of
from trellis.firewall.resources import CLOSING, OPENING
from trellis.records import reading_record
from trellis.resources import Actual, ResourceKey
from trellis.values import Value, freeze_mapping


@dataclass(frozen=True, slots=True)
class Found:
    """A firewall as it was found.

    Attributes:
        rules: what was last loaded and confirmed; None when that is not known.
        provider: by which.
        loaded: the rules are in the kernel, whatever they say.
        equal: they say what Trellis loaded.
        unfinished: an earlier run did not finish.
        boots: they come back after a reboot.
    """

    rules: Ruleset | None
    provider: str
    loaded: bool
    equal: bool
    unfinished: bool
    boots: bool

    @classmethod
    def of(cls, actual: Actual) -> "Found":
        """The firewall that `parse` described."""
        state = actual.state
        rules = ruleset_of(actual.spec["rules"]) if actual.spec else None  # type: ignore[arg-type]  # a mapping
        provider = str(actual.spec.get("provider", ""))
        return cls(rules, provider, *(bool(state[name]) for name in ("loaded", "equal", "unfinished", "boots")))


def parse(stdout: str, name: str, host: str) -> Sequence[Actual]:
    """The rules of one name, once for each kind; nothing when Trellis keeps none there.

    Raises:
        TrellisError: the answer is not readable.
    """
    if not stdout.strip():
        return ()
    said = dict(line.partition(" ")[::2] for line in stdout.splitlines())
    spec = _spec(said["record"], host) if said.get("record") else {}
    state = {
        "loaded": said.get("loaded", "") != "",
        "equal": said.get("loaded", "") == said.get("expected", "-"),
        "unfinished": said.get("unfinished") == "yes",
        "boots": said.get("boots") == "yes",
    }
    return [Actual(ResourceKey(kind, name, host), spec, freeze_mapping(state)) for kind in (OPENING, CLOSING)]


def _spec(encoded: str, host: str) -> Mapping[str, Value]:
    with reading_record(encoded, "this firewall", f"host {host}", decode=base64.b64decode) as value:
        spec = freeze_mapping(value)
        ruleset_of(spec["rules"])  # type: ignore[arg-type]  # whatever it is
        return spec
