"""Resolve: give every declared config value and secret what this environment says."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType

from trellis.blueprint import Blueprint, ConfigSpec
from trellis.environments.config import parse_value
from trellis.environments.model import Environment
from trellis.errors import ConfigError, MissingConfigError
from trellis.values import Value
from trellis_dsl.secret import Secret


def resolve(blueprint: Blueprint, environment: Environment, secrets: Mapping[str, Secret]) -> Mapping[str, Value]:
    """Config key to value; secrets stay `Secret`.

    Raises:
        ConfigError: a key is unknown, or a value is of the wrong type.
        MissingConfigError: required ones are missing: all are named.
    """
    _refuse_unknown(blueprint, environment)
    missing = [spec for spec in blueprint.config if _is_missing(spec, environment, secrets)]
    if missing:
        raise _missing(missing, environment)
    own = {spec.key: _value(spec, environment, secrets) for spec in blueprint.config if not spec.same_as}
    return MappingProxyType({spec.key: own[spec.same_as or spec.key] for spec in blueprint.config})


def declared_only(blueprint: Blueprint, environment: Environment) -> tuple[Environment, tuple[str, ...]]:
    """The environment without values that the blueprint does not declare, and a sentence about each of them.

    An environment that runs a branch may hold values for what it is yet to pull.
    """
    declared = {spec.key for spec in blueprint.config}
    known = {key: value for key, value in environment.config.items() if key in declared}
    notes = tuple(
        f"config {key} is set, but what {environment.name} runs does not declare it"
        for key in environment.config
        if key not in declared
    )
    return replace(environment, config=MappingProxyType(known)), notes


def _is_missing(spec: ConfigSpec, environment: Environment, secrets: Mapping[str, Secret]) -> bool:
    given = secrets if spec.type == "secret" else environment.config
    return spec.required and spec.key not in given


def _value(spec: ConfigSpec, environment: Environment, secrets: Mapping[str, Secret]) -> Value:
    if spec.type == "secret":
        return secrets[spec.key]
    if spec.key not in environment.config:
        return spec.default
    where = f"environments/{environment.name}.yaml: config.{spec.key}"
    return parse_value(environment.config[spec.key], spec.type, spec.key, where)


def _refuse_unknown(blueprint: Blueprint, environment: Environment) -> None:
    declared = {spec.key: spec for spec in blueprint.config}
    for key in environment.config:
        where = f"environments/{environment.name}.yaml: config.{key}"
        if key not in declared:
            near = get_close_matches(key, declared, n=1)
            hint = f"did you mean {near[0]}?" if near else "trellis describe shows what the stack declares"
            raise ConfigError(f"the stack declares no config value {key}", where=where, hint=hint)
        if declared[key].same_as:
            source = declared[key].same_as
            raise ConfigError(f"{key} has the value of {source}", where=where, hint=f"give {source} instead")
        if declared[key].type == "secret":
            hint = f"trellis secret set {key} -e {environment.name}, and take it out of this file"
            raise ConfigError(f"{key} is a secret and cannot be given in clear text", where=where, hint=hint)


def _missing(specs: list[ConfigSpec], environment: Environment) -> MissingConfigError:
    return MissingConfigError(
        f"{environment.name} lacks {', '.join(spec.key for spec in specs)}",
        where=f"environments/{environment.name}.yaml",
        hint="\n".join(_command(spec, environment) for spec in specs),
        specs=tuple(specs),
    )


def _command(spec: ConfigSpec, environment: Environment) -> str:
    if spec.type == "secret":
        return f"trellis secret set {spec.key} -e {environment.name}"
    return f"trellis config set {spec.key} VALUE -e {environment.name}"
