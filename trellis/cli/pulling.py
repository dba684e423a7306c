"""What `pull` and `promote` share: show what comes, ask for what is missing, merge, record."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.output import confirm as agree
from trellis.cli.output import echo, harmless, interactive, progress
from trellis.cli.rendering import plan_document
from trellis.environments.editing import set_config
from trellis.environments.project import Project
from trellis.environments.reading import parse_mapping, read_text
from trellis.environments.secrets import set_secret
from trellis.errors import UsageError
from trellis.plans import Plan
from trellis.promotion.chain import Overruling
from trellis.promotion.lacking import given_values, refuse_lacking
from trellis.promotion.pulling import Pull, pulling
from trellis.revisions.programs import Program
from trellis.values import Value
from trellis_dsl.secret import Secret

if TYPE_CHECKING:
    from trellis.blueprint import Blueprint, ConfigSpec


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for.

    Attributes:
        version: of the release.
        environment: who pulls.
        overruling: of the chain.
        accepted: what needs care and is meant so.
        given: config values as typed, by key.
        source: a file with more of them, secrets included.
        yes: agreed to beforehand.
        no_input: nobody is to be asked.
        as_json: what is shown is one document, and nothing else.
    """

    version: str
    environment: str
    overruling: Overruling | None = None
    accepted: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    source: Path | None = None
    yes: bool = False
    no_input: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled.

    Attributes:
        plan: that was shown; None when the environment had the release already.
        commit: where its branch is now; empty when it was not moved.
        pull: what was prepared.
        given: keys of values that were given, or answered.
    """

    plan: Plan | None
    commit: str
    pull: Pull
    given: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """For programs."""
        prepared, lacks = self.pull.prepared, self.pull.lacks
        return {
            "environment": self.pull.environment.name,
            "release": self.pull.release.version,
            "changes": [{"name": name, "commit": tip} for name, tip in self.pull.release.changes.items()],
            "moved": prepared is not None,
            "commit": self.commit,
            "reason": prepared.reason if prepared else "",
            "differences": [asdict(item) for item in prepared.differences] if prepared else [],
            "needed": [spec.key for spec in lacks.needed],
            "defaulted": [spec.key for spec in lacks.defaulted],
            "given": list(self.given),
            "plan": plan_document(self.plan) if self.plan else None,
        }


def pull_release(project: Project, wanted: Wanted, question: str) -> Pulled:
    """Pull a release.

    Raises:
        ConfigError: something that is needed was not given; nothing was merged.
    """
    name = wanted.environment
    now = datetime.now(UTC)
    with pulling(project, name, wanted.version, wanted.overruling, wanted.accepted, now) as pull:
        if pull.prepared is None:
            values = _values(pull, wanted, _had(project, pull))
            _store(project, name, values)
            progress(f"{name} has release {wanted.version} already")
            return Pulled(None, "", pull, tuple(sorted(values)))
        prepared = pull.prepared
        for line in () if wanted.as_json else prepared.lines():
            echo(line)
        values = _values(pull, wanted, prepared.blueprint)
        plan = shown_plan_of(project, name, prepared.proposal.program, values, quiet=wanted.as_json)
        agree(question, yes=wanted.yes, no_input=wanted.no_input)
        from trellis.cli.events import recorded

        with recorded(project, name, prepared.blueprint.stack, prepared.summary, prepared.reason):
            _store(project, name, values)
            commit = prepared.write()
        return Pulled(plan, commit, pull, tuple(sorted(values)))


def _had(project: Project, pull: Pull) -> "Blueprint":
    from trellis.pipeline import bind_to_look

    return bind_to_look(project, pull.environment.name, keyless=True).blueprint


def _values(pull: Pull, wanted: Wanted, blueprint: "Blueprint") -> dict[str, Value]:
    """Values for what the release declares: as given, then as answered."""
    for line in () if wanted.as_json else pull.lacks.lines(wanted.environment):
        echo(line)
    values = given_values(blueprint, _typed(wanted.given), "--set")
    if wanted.source:
        label = str(wanted.source)
        values |= given_values(blueprint, _from_file(wanted.source, blueprint), label)
    if interactive(no_input=wanted.no_input):
        for spec in pull.lacks.needed:
            if spec.key not in values:
                values |= given_values(blueprint, {spec.key: _answer(spec)}, spec.key)
    refuse_lacking(pull.lacks, values.keys(), wanted.environment)
    return values


def _typed(given: tuple[str, ...]) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"not KEY=VALUE: {text}", where="--set", hint="--set Website.workers=8")
        values[key] = value
    return values


def _from_file(source: Path, blueprint: "Blueprint") -> Mapping[str, object]:
    secret = {spec.key for spec in blueprint.config if spec.type == "secret"}
    found = parse_mapping(read_text(source, str(source)), str(source))
    return {str(key): Secret(str(value)) if key in secret else value for key, value in found.items()}


def _answer(spec: "ConfigSpec") -> object:
    question = harmless(f"{spec.key} ({spec.type}{', ' if spec.help else ''}{spec.help})")
    if spec.type == "secret":
        return Secret(click.prompt(question, hide_input=True, confirmation_prompt=True, err=True))
    return click.prompt(question, err=True)


def shown_plan_of(
    project: Project, name: str, program: Program | None, values: Mapping[str, Value], *, quiet: bool = False
) -> Plan:
    """The plan that a program has with an environment's own hosts and data, shown unless it is to be quiet."""
    from trellis.cli.up import show
    from trellis.pipeline import bind, planning

    bound = bind(project, name, program=program, given=values)

    async def planned() -> Plan:
        async with planning(bound) as made:
            return made.plan

    plan = asyncio.run(planned())
    if not quiet:
        show(plan, as_json=False)
    return plan


def _store(project: Project, name: str, values: Mapping[str, Value]) -> None:
    """Write the values before the branch moves: values that nothing declares yet do no harm."""
    for key, value in values.items():
        if isinstance(value, Secret):
            set_secret(project, name, key, value)
        else:
            set_config(project, name, key, value)
