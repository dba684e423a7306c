"""Which config values and secrets a blueprint declares and an environment does not give; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from trellis.blueprint import Blueprint, ConfigSpec
from trellis.environments.config import parse_value
from trellis.environments.reading import near_miss
from trellis.errors import ConfigError
from trellis.values import Value


@dataclass(frozen=True, slots=True)
class Lacks:
    """What is to be known before a change comes.

    Attributes:
        needed: required values and secrets that the environment lacks; nothing is merged without them.
        defaulted: values that come new with the change and have a default, which holds unless another one is given.
    """

    needed: tuple[ConfigSpec, ...] = ()
    defaulted: tuple[ConfigSpec, ...] = ()

    def lines(self, environment: str) -> list[str]:
        """For people."""
        needed = [f"? {spec.key} ({spec.type}){_help(spec)}: {environment} lacks it" for spec in self.needed]
        given = [f"= {spec.key} ({spec.type}){_help(spec)}: the default, {spec.default}" for spec in self.defaulted]
        return [*needed, *given]


def lacking(before: Blueprint | None, after: Blueprint, config: Collection[str], secrets: Collection[str]) -> Lacks:
    """What an environment lacks for a blueprint.

    Args:
        before: what it runs now; None when it runs nothing.
        after: what it is to run.
        config: keys that its file gives.
        secrets: keys of its secrets.
    """
    known = {spec.key for spec in before.config} if before else set()
    missing = [spec for spec in after.config if spec.key not in (secrets if spec.type == "secret" else config)]
    needed = tuple(spec for spec in missing if spec.required)
    new = tuple(spec for spec in missing if not spec.required and spec.key not in known)
    return Lacks(needed, new)


def given_values(after: Blueprint, given: Mapping[str, object], where: str) -> dict[str, Value]:
    """Values of the types that a blueprint declares, from texts or from a file.

    Raises:
        ConfigError: a key is not declared, or a value is of another type.
    """
    specs = {spec.key: spec for spec in after.config}
    for key in given:
        if key not in specs:
            raise ConfigError(f"the change declares no config value {key}{near_miss(key, specs)}", where=where)
    return {key: parse_value(value, specs[key].type, key, where) for key, value in given.items()}


def refuse_lacking(lacks: Lacks, given: Collection[str], environment: str) -> None:
    """Raise `ConfigError`, naming all of them, when something that is needed is not given."""
    missing = [spec for spec in lacks.needed if spec.key not in given]
    if missing:
        ways = "; ".join(
            f"trellis secret set {spec.key} -e {environment}" if spec.type == "secret" else f"--set {spec.key}=VALUE"
            for spec in missing
        )
        names = ", ".join(spec.key for spec in missing)
        raise ConfigError(f"{environment} lacks {names}; nothing was merged", hint=ways)


def _help(spec: ConfigSpec) -> str:
    return f", {spec.help}" if spec.help else ""
