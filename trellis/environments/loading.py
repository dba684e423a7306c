"""Environment files, read and checked: every problem of a file in one error."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from trellis.environments.balancer import read_balancer
from trellis.environments.firewall import read_firewall
from trellis.environments.hosts import read_hosts
from trellis.environments.model import OPERATIONS, ConsoleAccess, Environment
from trellis.environments.names import KEY_RULE, NAME_RULE, ROLE_RULE, is_key, is_name, is_role
from trellis.environments.project import Project
from trellis.environments.reading import (
    Problems,
    check_keys,
    joined,
    mapping_at,
    near_miss,
    parse_mapping,
    read_text,
    text_at,
    text_mapping_at,
    texts_at,
)
from trellis.errors import ConfigError, UnknownEnvironmentError
from trellis.values import Value, freeze

FOLDER = "environments"
KEYS = (
    "pulls_from",
    "upstream",
    "console",
    "operations",
    "hosts",
    "certificates",
    "balancer",
    "config",
    "pins",
    "placement",
    "maintain",
    "firewall",
)


def environment_names(project: Project) -> tuple[str, ...]:
    """The names of the project's environments, sorted; a file whose stem is not a name is none."""
    files = (project.root / FOLDER).glob("*.yaml")
    return tuple(sorted(file.stem for file in files if is_name(file.stem) and file.is_file()))


def environment_file(project: Project, name: str) -> Path:
    """The absolute path of an environment's file, which need not exist.

    Raises:
        ConfigError: no environment may have that name.
    """
    if not is_name(name):
        raise ConfigError(f"{name!r} is not a name of an environment", hint=f"use {NAME_RULE}")
    return project.root / FOLDER / f"{name}.yaml"


def load_environment(project: Project, name: str) -> Environment:
    """An environment of the project.

    Raises:
        UnknownEnvironmentError: there is none of that name.
        ConfigError: its file is at fault; the message lists all its problems, one a line.
    """
    check_exists(project, name)
    text = read_text(environment_file(project, name), label(name))
    return parse_environment(project, name, text)


def check_exists(project: Project, name: str) -> None:
    """Raise `UnknownEnvironmentError`, naming those there are, unless the environment has a file."""
    if environment_file(project, name).is_file():
        return
    names = environment_names(project)
    there = f"there are {', '.join(names)}" if names else "there are none"
    hint = f"add --env with one of them, or write {label(name)}" if names else f"write {label(name)}"
    raise UnknownEnvironmentError(f"there is no environment {name}; {there}", hint=hint)


def label(name: str) -> str:
    """How messages name an environment's file."""
    return f"{FOLDER}/{name}.yaml"


def parse_environment(project: Project, name: str, text: str) -> Environment:
    """The environment that a file's text describes. Raises `ConfigError` with all its problems."""
    document = parse_mapping(text, label(name))
    problems = Problems(label(name))
    check_keys(document, KEYS, "", problems)
    hosts = read_hosts(mapping_at(document, "hosts", "", problems), problems)
    environment = Environment(
        name=name,
        file=environment_file(project, name),
        hosts=MappingProxyType(hosts),
        config=MappingProxyType(_config(mapping_at(document, "config", "", problems), problems)),
        pins=MappingProxyType(_pins(mapping_at(document, "pins", "", problems), hosts, problems)),
        strategy=_strategy(mapping_at(document, "placement", "", problems), problems),
        minimum_gain=_minimum_gain(mapping_at(document, "placement", "", problems), problems),
        pulls_from=_pulls_from(project, name, document, problems),
        upstream=_upstream(document, problems),
        maintain=_maintain(document, problems),
        console=_console(project, document, problems),
        operations=MappingProxyType(_operations(mapping_at(document, "operations", "", problems), problems)),
        firewall=read_firewall(mapping_at(document, "firewall", "", problems), problems),
        balancer=read_balancer(mapping_at(document, "balancer", "", problems), problems),
        certificates=MappingProxyType(dict(text_mapping_at(document, "certificates", "", problems))),
    )
    problems.refuse()
    return environment


def _config(found: Mapping[object, object], problems: Problems) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for key, value in found.items():
        path = joined("config", key)
        if not is_key(key):
            problems.add(path, f"not a key: use {KEY_RULE}")
        elif not is_config_value(value):
            problems.add(path, "must be text, a number, true or false, a list of texts or a mapping of text to text")
        else:
            result[str(key)] = freeze(value)
    return result


def is_config_value(value: object) -> bool:
    """Whether a config value may have that shape; deeper structures, dates, null and NaN may not."""
    match value:
        case bool() | int() | str():
            return True
        case float():
            return math.isfinite(value)
        case list() | tuple():
            return all(isinstance(item, str) for item in value)
        case Mapping():
            return all(isinstance(item, str) for pair in value.items() for item in pair)
    return False


def _pins(
    found: Mapping[object, object], hosts: Mapping[str, object], problems: Problems
) -> dict[str, tuple[str, ...]]:
    result: dict[str, tuple[str, ...]] = {}
    for service in found:
        path = joined("pins", service)
        if not is_role(service):
            problems.add(path, f"not a name of a service: use {ROLE_RULE}")
            continue
        pinned = texts_at(found, str(service), "pins", problems)
        for index, host in enumerate(pinned):
            if host not in hosts:
                problems.add(f"{path}[{index}]", f"there is no host {host}{near_miss(host, hosts)}")
        result[str(service)] = pinned
    return result


def _strategy(placement: Mapping[object, object], problems: Problems) -> str:
    from trellis.placing.model import Strategy

    check_keys(placement, ("strategy", "minimum_gain"), "placement", problems)
    known = [strategy.value for strategy in Strategy]
    strategy = text_at(placement, "strategy", "placement", problems) or Strategy.LEAST_LOADED.value
    if strategy not in known:
        problems.add("placement.strategy", f"{strategy!r} is not one of {', '.join(known)}{near_miss(strategy, known)}")
    return strategy


def _minimum_gain(placement: Mapping[object, object], problems: Problems) -> float | None:
    gain = placement.get("minimum_gain")
    if gain is None:
        return None
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 <= gain <= 100:
        problems.add("placement.minimum_gain", "must be a number from 0 to 100: hundredths of the fullest host")
        return None
    if placement.get("strategy", "least-loaded") != "least-loaded":
        problems.add("placement.minimum_gain", "says how much lower the fullest host becomes: needs least-loaded")
    return float(gain)


def _pulls_from(project: Project, name: str, document: Mapping[object, object], problems: Problems) -> str:
    source = text_at(document, "pulls_from", "", problems)
    if source is None:
        return ""
    if source == name:
        problems.add("pulls_from", "an environment cannot pull from itself")
    elif source not in environment_names(project) and not document.get("upstream"):
        problems.add("pulls_from", f"there is no environment {source}{near_miss(source, environment_names(project))}")
    return source


def _upstream(document: Mapping[object, object], problems: Problems) -> str:
    """A git URL or a path; what git could take for an option or for a command is refused."""
    url = text_at(document, "upstream", "", problems) or ""
    if url.startswith("-") or "::" in url:
        problems.add("upstream", "not a URL that git may fetch from")
    elif url and not document.get("pulls_from"):
        problems.add("upstream", "says where, but pulls_from does not say which environment")
    return url


def _maintain(document: Mapping[object, object], problems: Problems) -> Literal["triggered", "always"]:
    value = text_at(document, "maintain", "", problems)
    if value not in {None, "triggered", "always"}:
        problems.add(
            "maintain", f"{value!r} is not one of always, triggered{near_miss(str(value), ('always', 'triggered'))}"
        )
    return "always" if value == "always" else "triggered"


def _console(project: Project, document: Mapping[object, object], problems: Problems) -> ConsoleAccess | None:
    """Files of a console's client, relative to the project; ``~`` is the operator's home."""
    if "console" not in document:
        return None
    found = mapping_at(document, "console", "", problems)
    check_keys(found, ("authority", "certificate"), "console", problems)
    if not str(document.get("upstream", "")).startswith("https://"):
        problems.add("console", "needs an upstream that starts with https://")
    files = {key: text_at(found, key, "console", problems) for key in ("authority", "certificate")}
    for key, text in files.items():
        if text is None:
            problems.add(f"console.{key}", "must name a file")
    paths = {key: project.root / Path(text or "").expanduser() for key, text in files.items()}
    return ConsoleAccess(**paths)


def _operations(found: Mapping[object, object], problems: Problems) -> dict[str, tuple[str, ...]]:
    """What each client of the environment's console may run."""
    result: dict[str, tuple[str, ...]] = {}
    for client in found:
        if not isinstance(client, str):
            problems.add(joined("operations", client), "not a name of a client, as trellis cert issue --client gave it")
            continue
        named = texts_at(found, client, "operations", problems)
        for index, name in enumerate(named):
            if name not in OPERATIONS:
                known = f"{', '.join(sorted(OPERATIONS))}{near_miss(name, OPERATIONS)}"
                problems.add(f"{joined('operations', client)}[{index}]", f"{name!r} is not one of {known}")
        result[client] = named
    return result
