"""Bind: a stack and an environment, with the config and the secrets that the one asks for and the other gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from trellis.blueprint import Blueprint
from trellis.environments.keeping import load_kept
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.environments.secrets import NO_SECRETS, load_secrets, salt
from trellis.errors import ConfigError
from trellis.evaluating import evaluate
from trellis.firewall.policy import check_policy
from trellis.hosts import names_secret, needs_secrets
from trellis.loading import load_stack
from trellis.replacing import with_chosen_balancer
from trellis.resolving import declared_only, resolve
from trellis.revisions.programs import Program, program_of
from trellis.values import Value
from trellis_dsl.secret import Secret
from trellis_dsl.stack import Stack


@dataclass(frozen=True, slots=True)
class Bound:
    """A stack and an environment, bound: all that is known before a host is asked."""

    project: Project
    stack: Stack
    blueprint: Blueprint
    environment: Environment
    config: Mapping[str, Value]
    secrets: Mapping[str, Secret]
    salt: bytes
    program: Program
    notes: tuple[str, ...] = ()
    kept: Mapping[str, Secret] = field(default_factory=dict)


def bind(
    project: Project,
    environment: str,
    *,
    program: Program | None = None,
    given: Mapping[str, Value] = MappingProxyType({}),
    instead: Mapping[str, Value] | None = None,
) -> Bound:
    """Load and evaluate the stack, and give it the environment's config and secrets.

    Args:
        project: where the stack and the environments are.
        environment: its name.
        program: instead of the one that the environment runs.
        given: config values and secrets that are to be set in the environment, as if they were.
        instead: config values instead of those that the environment's file gives.

    Raises:
        PolicyError: the environment runs what it pulls, and has pulled nothing.
        MissingConfigError: something that the stack requires is not given.
    """
    found = load_environment(project, environment)
    program = program or program_of(project, found)
    stack, blueprint = _evaluated(program, found)
    check_policy(blueprint, found.firewall.deny, environment)
    secrets = {**load_secrets(project, environment), **{k: v for k, v in given.items() if isinstance(v, Secret)}}
    config = {key: value for key, value in given.items() if not isinstance(value, Secret)}
    found = found if instead is None else replace(found, config=MappingProxyType(dict(instead)))
    found = replace(found, config=MappingProxyType({**found.config, **config})) if config else found
    found, notes = declared_only(blueprint, found) if program.branch else (found, ())
    resolved = resolve(blueprint, found, secrets)
    kept = load_kept(project, environment)
    salted = salt(project, environment, kept)
    return Bound(project, stack, blueprint, found, resolved, secrets, salted, program, notes, kept)


def bind_to_look(project: Project, environment: str, *, keyless: bool = False) -> Bound:
    """Bind for looking and removing, which needs no config, and no secret but those that hosts are reached with.

    Args:
        project: where the stack and the environments are.
        environment: its name.
        keyless: do without the key of the secrets too, where it is not there; what holds a secret then looks altered.
    """
    found = load_environment(project, environment)
    program = program_of(project, found, destroying=True)
    stack, blueprint = _evaluated(program, found)
    secrets = load_secrets(project, environment) if _reached_with_secrets(found) else {}
    try:
        kept = load_kept(project, environment)
        salted = salt(project, environment, kept)
    except ConfigError:
        if not keyless:
            raise
        kept, salted = {}, NO_SECRETS
    return Bound(project, stack, blueprint, found, {}, secrets, salted, program, kept=kept)


def _reached_with_secrets(environment: Environment) -> bool:
    return needs_secrets(environment.hosts.values()) or any(map(names_secret, environment.balancer.options))


def _evaluated(program: Program, environment: Environment) -> tuple[Stack, Blueprint]:
    stack = load_stack(program.stack_file)
    return stack, with_chosen_balancer(evaluate(stack, program.root), environment)
