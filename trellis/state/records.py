"""The journal's records, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from trellis_dsl.secret import Secret

RunOutcome = Literal["running", "done", "failed", "cancelled", "interrupted", "refused"]
"""`interrupted`: the process ended without saying how. `refused`: a console's client asked, and nothing was run."""

StepState = Literal["started", "done", "failed", "skipped"]
"""`started` in a run that is over: nobody knows how far the step came; the next run observes and converges."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run that begins. Every text is masked already.

    Attributes:
        environment: its name.
        stack: its name.
        command: the command line, ``trellis up -e prod``.
        operator: ``user@machine``.
        plan_digest: of the plan that is applied.
        blueprint_digest: of the blueprint that the plan was made from.
        counts: how many steps of each verb the plan has.
        summary: the plan's last line.
        reason: why a rule was overruled; empty when none was.
    """

    environment: str
    stack: str
    command: str
    operator: str
    plan_digest: str = ""
    blueprint_digest: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    summary: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as the journal has it; `finished` is None while it is under way, or when nobody recorded its end."""

    key: str
    verb: str
    host: str
    state: StepState
    detail: str
    started: datetime
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class StepEvent:
    """Something that happens to a step. Every text is masked already.

    Attributes:
        key: ``container:website-2@ny1``.
        state: what it is from now on.
        verb: what it does, for one that starts or is skipped.
        host: where, likewise.
        detail: why it is done, or how it failed; at its end empty keeps the reason that it started with.
        made: what is there after it was done; None when it took that away.
    """

    key: str
    state: StepState
    verb: str = ""
    host: str = ""
    detail: str = ""
    made: "Made | None" = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the journal has it; times are UTC. `steps` is filled by `Store.run` only."""

    number: int
    record: RunRecord
    outcome: RunOutcome
    started: datetime
    finished: datetime | None
    steps: tuple[StepRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What an environment was last brought to.

    Attributes:
        blueprint: the blueprint as canonical JSON text.
        config_digest: of the environment's values, secrets fingerprinted.
        resources: resource key (``container:website-2@ny1``) to the digest of its spec.
    """

    blueprint: str
    config_digest: str
    resources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that Trellis has made: known while its host does not answer, and missed where somebody removed it.

    Attributes:
        key: ``container:website-2@ny1``.
        role: the role that it is there for, empty where there is none.
        service: likewise.
        instance: the instance's number, 0 where it is not one instance's.
        spec: what of its spec is worth knowing without its host; no secrets.
        certain: False while a step is at work on it, or when such a step failed or was never seen to end.
    """

    key: str
    role: str = ""
    service: str = ""
    instance: int = 0
    spec: Mapping[str, object] = field(default_factory=dict)
    certain: bool = True


def settled(run: Run, *, locked: bool) -> Run:
    """The run, `interrupted` when it says that it is running although nobody holds the environment's lock."""
    return replace(run, outcome="interrupted") if run.outcome == "running" and not locked else run


def refuse_secrets(value: object, name: str = "value") -> None:
    """Make sure that no `Secret` is inside: the journal takes texts that are masked already.

    Raises:
        TypeError: there is one; the message says where, never what.
    """
    match value:
        case Secret():
            raise TypeError(f"{name} is a Secret: the journal takes masked text only")
        case Mapping():
            for key, item in value.items():
                refuse_secrets(key, f"a key of {name}")
                refuse_secrets(item, f"{name}[{key}]")
        case tuple() | list() | set() | frozenset():
            for item in value:
                refuse_secrets(item, f"an item of {name}")
