"""Which attributes of a blueprint can be set, how each is read, and the blueprint with it set; pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from trellis.blueprint import Blueprint, ConfigSpec, RoleSpec, RunsSpec, ServiceSpec, SiteSpec
from trellis.environments.config import parse_value
from trellis.errors import ConfigError
from trellis.overrides.model import OVERRIDES_FILE
from trellis.overrides.roles import moved
from trellis.placing.model import Counting, InstancePolicy
from trellis.values import Value
from trellis_dsl.errors import StackError
from trellis_dsl.quantities import parse_bandwidth, parse_bytes, parse_cpu

_COUNT = re.compile(r"(exactly|at_least|between)\((\d+)(?:,\s*(\d+))?\)(\.per_host)?")
_COUNT_HINT = "write 3, exactly(3), at_least(1).per_host, between(1, 4), one_per_host or one_per_role"
Read = Callable[[object], object]


def set_attribute(blueprint: Blueprint, key: str, value: object, where: str = "") -> Blueprint:
    """The blueprint with one attribute set.

    Args:
        blueprint: of the stack.
        key: ``Website.image``, ``Website.memory``, ``Website.labels.tier``, ``Website.public.domain``,
            ``Web.website.count``, ``Web.website.role``, or a config value such as ``Website.workers``.
        value: as the file or the command line has it.
        where: the place that errors name.

    Raises:
        ConfigError: there is no such attribute, or the value is none that it can have.
    """
    where = where or f"{OVERRIDES_FILE}: {key}"
    name, *path = key.split(".")
    for service in blueprint.services:
        if service.name == name:
            return _with_service(blueprint, service, path, value, where)
    for role in blueprint.roles:
        if role.name == name:
            return _with_role(blueprint, role, path, value, where)
    raise UnknownAttributeError(key, settable(blueprint), where)


def attribute(blueprint: Blueprint, key: str) -> str:
    """What the blueprint says about an attribute, as text; empty for what it does not know."""
    return settable(blueprint).get(key, "")


def settable(blueprint: Blueprint) -> dict[str, str]:
    """Every attribute that can be set, with its value as text."""
    found: dict[str, str] = {}
    for service in blueprint.services:
        found |= {f"{service.name}.{key}": text for key, text in _service_attributes(service).items()}
    for role in blueprint.roles:
        found |= {f"{role.name}.{run.name}.count": count_text(run.policy) for run in role.runs}
        found |= {f"{role.name}.{run.name}.role": role.name for run in role.runs}
    return found | {spec.key: _text(spec.default) for spec in blueprint.config if spec.type != "secret"}


def count_text(policy: InstancePolicy) -> str:
    """A number of instances as a stack writes it: ``exactly(3)``, ``at_least(1).per_host``."""
    if policy.low == policy.high == 1:
        return f"one_{policy.counting.value}"
    over = ".per_host" if policy.counting is Counting.PER_HOST else ""
    if policy.high is None:
        return f"at_least({policy.low}){over}"
    if policy.low == policy.high:
        return f"exactly({policy.low}){over}"
    return f"between({policy.low}, {policy.high}){over}"


def _text(value: Value) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _service_attributes(service: ServiceSpec) -> dict[str, str]:
    needs = {name: f"{getattr(service.needs, name):g}" for name in _NEEDS}
    sites = {f"{site.name}.domain": site.domain or f"(config {site.domain_config})" for site in service.sites}
    paths = {f"{site.name}.path": site.path for site in service.sites}
    tls = {f"{site.name}.tls": str(site.tls).lower() for site in service.sites}
    labels = {f"labels.{name}": text for name, text in service.labels}
    return {"image": service.image, **needs, **sites, **paths, **tls, **labels}


def _with_service(blueprint: Blueprint, service: ServiceSpec, path: list[str], value: object, where: str) -> Blueprint:
    match path:
        case ["image"]:
            changed = replace(service, image=_read(_image, value, where))
        case [need] if need in _NEEDS:
            changed = replace(service, needs=replace(service.needs, **{need: _read(_NEEDS[need], value, where)}))
        case ["labels", *name] if name:
            labels = dict(service.labels) | {".".join(name): str(_read(_label, value, where))}
            changed = replace(service, labels=tuple(sorted(labels.items())))
        case [site, field] if any(known.name == site for known in service.sites):
            sites = tuple(_site(known, field, value, where) if known.name == site else known for known in service.sites)
            changed = replace(service, sites=sites)
        case _:
            return _with_config(blueprint, service.name, path, value, where)
    services = tuple(changed if known is service else known for known in blueprint.services)
    return replace(blueprint, services=services)


def _site(site: SiteSpec, field: str, value: object, where: str) -> SiteSpec:
    match field:
        case "domain":
            return replace(site, domain=str(_read(_image, value, where)), domain_config="")
        case "path":
            return replace(site, path=str(_read(_path, value, where)))
        case "tls":
            return replace(site, tls=bool(parse_value(value, "bool", f"{site.name}.tls", where)))
    raise ConfigError(f"a site has no {field}", where=where, hint="set its domain, path or tls")


def _with_role(blueprint: Blueprint, role: RoleSpec, path: list[str], value: object, where: str) -> Blueprint:
    match path:
        case [name, "count"] if any(run.name == name for run in role.runs):
            policy = _count(value, where)
            runs: tuple[RunsSpec, ...] = tuple(
                replace(run, policy=policy) if run.name == name else run for run in role.runs
            )
            changed = replace(role, runs=runs)
        case [name, "role"] if any(run.name == name for run in role.runs):
            return moved(blueprint, role, name, str(_read(_image, value, where)), where)
        case _:
            return _with_config(blueprint, role.name, path, value, where)
    return replace(blueprint, roles=tuple(changed if known is role else known for known in blueprint.roles))


def _with_config(blueprint: Blueprint, name: str, path: list[str], value: object, where: str) -> Blueprint:
    key = ".".join((name, *path))
    if not any(spec.key == key for spec in blueprint.config):
        raise UnknownAttributeError(key, settable(blueprint), where)
    config = tuple(_configured(spec, value, where) if spec.key == key else spec for spec in blueprint.config)
    return replace(blueprint, config=config)


def _configured(spec: ConfigSpec, value: object, where: str) -> ConfigSpec:
    if spec.type == "secret":
        hint = f"trellis secret set {spec.key} -e ENVIRONMENT"
        raise ConfigError(f"{spec.key} is a secret, which no program may hold", where=where, hint=hint)
    return replace(spec, required=False, default=parse_value(value, spec.type, spec.key, where))


def _count(value: object, where: str) -> InstancePolicy:
    text = str(value).strip()
    if text in {"one_per_host", "one_per_role"}:
        return InstancePolicy(1, 1, Counting(text.removeprefix("one_")))
    found = _COUNT.fullmatch(f"exactly({text})" if text.isdecimal() else text)
    if found is None or (found[1] == "between") != (found[3] is not None):
        raise ConfigError(f"{text!r} is not a number of instances", where=where, hint=_COUNT_HINT)
    low, high = int(found[2]), None if found[1] == "at_least" else int(found[3] or found[2])
    if high is not None and high < low:
        raise ConfigError(f"{text!r} is not a number of instances", where=where, hint=_COUNT_HINT)
    return InstancePolicy(low, high, Counting.PER_HOST if found[4] else Counting.PER_ROLE)


def _read(read: Read, value: object, where: str) -> Any:
    try:
        return read(value)
    except StackError as fault:
        raise ConfigError(fault.what, where=where, hint=fault.hint) from None
    except (TypeError, ValueError):
        raise ConfigError(f"{value!r} cannot stand here", where=where) from None


def _image(value: object) -> str:
    if not isinstance(value, str) or not value or value.split() != [value]:
        raise TypeError
    return value


def _label(value: object) -> str:
    if not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/"):
        raise TypeError
    return value


_NEEDS: dict[str, Callable[[Any], object]] = {
    "cpu": parse_cpu,
    "memory": parse_bytes,
    "disk": parse_bytes,
    "network": parse_bandwidth,
}


class UnknownAttributeError(ConfigError):
    """The stack has no such attribute."""

    def __init__(self, key: str, known: Iterable[str], where: str) -> None:
        near = get_close_matches(key, list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else "an image, needs, a label, a site, a count, or a config value"
        super().__init__(f"the stack has no {key} that can be set", where=where, hint=hint)
