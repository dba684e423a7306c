"""Limits a plan to some hosts and roles: what else there is to do is left out, and that is said; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from trellis.errors import ConfigError
from trellis.plans import Limit, Step, Verb
from trellis.resources import ResourceKey


def check_limit(limit: Limit, hosts: Iterable[str], roles: Iterable[str], environment: str) -> None:
    """Refuse names that nothing has.

    Raises:
        ConfigError: there is no such host in the environment, or no such role in the stack.
    """
    for word, asked, known in (("host", limit.hosts, tuple(hosts)), ("role", limit.roles, tuple(roles))):
        for name in asked:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                there = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known)) or 'none'}"
                raise ConfigError(f"there is no {word} {name} in {environment}", where=f"--{word}", hint=there)


def limited(steps: Sequence[Step], limit: Limit) -> tuple[Step, ...]:
    """The steps that the limit is about, in their order.

    Those of a role come with what they need on their hosts: networks, images, files. A move is about both its hosts.
    """
    if not limit:
        return tuple(steps)
    chosen = {step.key for step in steps if _on(step, limit.hosts) and _of(step, limit.roles)}
    if limit.roles:
        chosen |= _needed(steps, chosen, limit)
    return tuple(
        replace(step, requires=tuple(key for key in step.requires if key in chosen))
        for step in steps
        if step.key in chosen
    )


def left_out(steps: Sequence[Step], kept: Sequence[Step], limit: Limit) -> tuple[str, ...]:
    """A sentence about what is not done because of the limit; none when nothing is left out."""
    count = sum(step.verb is not Verb.KEEP for step in steps) - sum(step.verb is not Verb.KEEP for step in kept)
    if not count:
        return ()
    return (f"{count} more change{'' if count == 1 else 's'} left out: this plan is limited to {limit}",)


def _on(step: Step, hosts: Sequence[str]) -> bool:
    return not hosts or {step.key.host, step.moved_from or step.key.host} <= set(hosts)


def _of(step: Step, roles: Sequence[str]) -> bool:
    return not roles or step.owner.role in roles


def _needed(steps: Sequence[Step], chosen: set[ResourceKey], limit: Limit) -> set[ResourceKey]:
    """What the chosen steps cannot do without, except other roles' own things."""
    by_key = {step.key: step for step in steps}
    found: set[ResourceKey] = set()
    todo = list(chosen)
    while todo:
        resource = by_key[todo.pop()].resource
        for key in resource.requires if resource else ():
            step = by_key.get(key)
            if step and key not in found | chosen and not step.owner.role and _on(step, limit.hosts):
                found.add(key)
                todo.append(key)
    return found
