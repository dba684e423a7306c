"""The config values and secrets that a class declares."""

from collections.abc import Mapping
from dataclasses import replace

from trellis.blueprint import ConfigSpec
from trellis.environments.config import parse_value
from trellis.errors import StackError
from trellis.evaluating.members import Member, declarations, relative
from trellis.values import Value, freeze
from trellis_dsl.config import Config, ConfigRef
from trellis_dsl.location import Location
from trellis_dsl.stack import Stack


def config_specs(members: Mapping[str, Member], stack: Stack) -> tuple[ConfigSpec, ...]:
    """Those of all classes, by key, with what the stack set; what one takes over leads to where it comes from.

    Raises:
        StackError: a value is of the wrong type, or what one takes over is not in the stack.
    """
    found = {
        spec.key: spec
        for member in members.values()
        for spec in (_config(member, declared, stack, members) for declared in declarations(member.cls, Config))
    }
    return tuple(_followed(found[key], found) for key in sorted(found))


def _config(member: Member, declared: "Config[object]", stack: Stack, members: Mapping[str, Member]) -> ConfigSpec:
    place = member.at(declared)
    key = f"{member.name}.{declared.name}"
    setting = stack.settings.get(ConfigRef(member.cls, declared.name))
    if declared.source is not None:
        return _taken_over(member, declared, declared.source, setting, members)
    value: Value = None if declared.required else freeze(declared.value)
    required = declared.required
    if setting is not None:
        if declared.type_name == "secret":
            raise StackError(
                f"{key} is a secret; a program is no place for it", where=setting[1], hint=f"trellis secret set {key}"
            )
        where = str(relative(setting[1], member.root))
        value, required = parse_value(freeze(setting[0]), declared.type_name, key, where), False
    return ConfigSpec(key, declared.type_name, required, value, declared.help, str(place))


def _taken_over(
    member: Member,
    declared: "Config[object]",
    source: "ConfigRef[object]",
    setting: tuple[object, Location] | None,
    members: Mapping[str, Member],
) -> ConfigSpec:
    key = f"{member.name}.{declared.name}"
    made_from = [other.name for other in members.values() if issubclass(other.cls, source.owner)]
    owners = [name for name in made_from if members[name].cls is source.owner] or made_from
    if len(owners) != 1:
        what = f"could be {', '.join(owners)}" if owners else "is not in the stack"
        raise StackError(
            f"{key} uses {source.key}, but {source.owner.__name__} {what}",
            where=member.at(declared),
            hint="name a class that is there once",
        )
    same_as = f"{owners[0]}.{source.name}"
    if setting is not None:
        raise StackError(f"{key} has the value of {same_as}", where=setting[1], hint=f"set {same_as} instead")
    return ConfigSpec(
        key, declared.type_name, required=False, help=declared.help, location=str(member.at(declared)), same_as=same_as
    )


def _followed(spec: ConfigSpec, found: Mapping[str, ConfigSpec]) -> ConfigSpec:
    """With the last source of a chain; a chain ends, as a reference needs a class that is there before."""
    last = spec
    while last.same_as:
        last = found[last.same_as]
    return replace(spec, same_as=last.key, type=last.type) if last is not spec else spec
