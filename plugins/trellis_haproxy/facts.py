"""What the observing script prints and a worker answers, as found resources."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trellis.errors import TrellisError
from trellis.resources import Actual, ResourceKey
from trellis.values import Value, freeze_mapping
from trellis_haproxy.desiring import KIND
from trellis_haproxy.model import ProxyConfig
from trellis_haproxy.record import Record, read_record, text_digest
from trellis_haproxy.runtime import Running, differing
from trellis_haproxy.servers import lines_of

# The sums that HAProxy draws below its complaints.
_NOISE = ("candidate.cfg", "Fatal errors found in configuration.")
_LONGEST_OUTPUT = 500


@dataclass(frozen=True, slots=True)
class Printed:
    """A proxy's folder as the script printed it; `config` is None where there is no haproxy.cfg.

    `existing` tells whether the operator's own configuration is what was last taken: see the script.
    """

    name: str
    record: Record
    config: str | None
    existing: str = "-"


@dataclass(frozen=True, slots=True)
class FoundConfig:
    """A proxy's configuration as it was found.

    Attributes:
        config: the text on the host; None when there is none.
        loaded: the digest of what the running worker has; empty when none answered.
        by_hand: the text is none that Trellis wrote.
        unfinished: an earlier run was killed.
        last: what was last applied; None when nothing was.
        existing: whether the operator's own configuration is what was last taken.
        astray: servers of the text that the running worker does not send traffic to, and others that it does.
    """

    config: str | None
    loaded: str
    by_hand: bool
    unfinished: bool
    last: ProxyConfig | None
    astray: tuple[str, ...] = ()
    existing: str = "-"

    @classmethod
    def of(cls, actual: Actual) -> "FoundConfig":
        """The configuration that `actual_of` described."""
        state = actual.state
        config = state["config"]
        return cls(
            config=config if isinstance(config, str) else None,
            loaded=str(state["loaded"]),
            by_hand=bool(state["by_hand"]),
            unfinished=bool(state["unfinished"]),
            last=ProxyConfig.of(actual.spec) if actual.spec else None,
            astray=_words(state.get("astray")),
            existing=str(state.get("existing", "-")),
        )


def parse(stdout: str, host: str) -> Iterator[Printed]:
    """The proxies of the environment on a host.

    Raises:
        TrellisError: a line or a record is not readable.
    """
    for line in stdout.splitlines():
        match line.split(" "):
            case ["proxy", name, record, config, existing]:
                text = None if config == "-" else _decoded(config.removeprefix("="))
                yield Printed(name, read_record(_decoded(record), f"{KIND}:{name}@{host}"), text, existing)
            case _:
                raise TrellisError(f"unexpected answer while looking at HAProxy: {line[:80]!r}", where=f"host {host}")


def actual_of(printed: Printed, host: str, loaded: str, running: Sequence[Running] | None = None) -> Actual:
    """The found resource; `loaded` and `running` are the structure and the servers that the running worker has."""
    record = printed.record
    state: Mapping[str, Value] = freeze_mapping(
        {
            "config": printed.config,
            "loaded": loaded,
            "by_hand": printed.config is not None and text_digest(printed.config) not in record.written,
            "unfinished": record.unfinished,
            "astray": _astray(printed.config or "", running),
            "existing": printed.existing,
            "written": record.written,
            "ports": record.ports,
        }
    )
    return Actual(ResourceKey(KIND, printed.name, host), record.spec, state, record.owner)


def _words(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _astray(config: str, running: Sequence[Running] | None) -> tuple[str, ...]:
    if running is None:
        return ()
    lines = lines_of(config)
    backends = {place.backend for place in lines}
    found = differing(lines, running, ours=lambda place: place.backend in backends)
    return tuple(sorted({place.instance for place in (*(line.place for line in found.coming), *found.going)}))


def loaded_digest(answer: str, container: str) -> str:
    """The digest in a worker's answer; empty when it is another program's or another proxy's."""
    head, _, body = answer.partition("\r\n\r\n")
    match body.split(" "):
        case [whose, digest] if head.startswith("HTTP/1.1 200") and whose == container:
            return digest
    return ""


def complaints(output: str) -> str:
    """What HAProxy has against a configuration: its alerts, without the noise around them."""
    alerts = [line.partition(" : ")[2] for line in output.splitlines() if line.startswith("[ALERT]")]
    said = [alert.removeprefix("config : ").strip() for alert in alerts if not alert.endswith(_NOISE)]
    return "; ".join(dict.fromkeys(said)) or output.strip()[-_LONGEST_OUTPUT:]


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
