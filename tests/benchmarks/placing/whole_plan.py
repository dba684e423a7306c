"""A stack of 500 services with 10,000 instances on 1,000 hosts, as the pipeline sees it; no host is asked."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trellis import Role, Service, Stack, connects_to, exactly, listens, runs
from trellis.blueprint import Blueprint
from trellis.desiring.binding import classes_of
from trellis.desiring.parking import may_park
from trellis.desiring.placed import deployment, reasons_of
from trellis.desiring.placement import placed
from trellis.desiring.problem import placement_problem
from trellis.desiring.resources import desired
from trellis.environments.model import Environment
from trellis.evaluating import evaluate
from trellis.hosts import Host, HostFacts
from trellis.observing import Observed
from trellis.placing.sequencing import sequence
from trellis.planning import Deciding, steps
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Scope
from trellis.plugin.registry import Plugins
from trellis.resources import Actual
from trellis.values import fingerprinted, freeze_mapping
from trellis_dsl.policies import Runs
from trellis_files.model import DesiredFile

SALT = b"benchmark"


@dataclass(frozen=True)
class World:
    """A stack, where it runs, and what was observed there."""

    stack: Stack
    blueprint: Blueprint
    environment: Environment
    observed: Mapping[str, Observed]


def world(instances: int, hosts: int) -> World:
    """The stack on empty hosts; one service in five connects to another."""
    mixed = random.Random(1)  # noqa: S311 - a fixed seed, not a secret
    number = max(5, instances // 20)
    stack = Stack("bench")
    made: list[type[Service]] = []
    body: dict[str, Any] = {}
    for index in range(number):
        members: dict[str, Any] = {"http": listens(8080)}
        if index % 5 == 0 and made:
            members["peer"] = connects_to(made[-1].http)  # type: ignore[attr-defined]  # it was made with one
        name = f"S{index:03}"
        one: type[Service] = type(name, (Service,), members)
        for member, declared in members.items():
            declared.__set_name__(one, member)
        options = stack.service(
            image="bench:1", cpu=mixed.choice([0.25, 0.5, 1]), memory=f"{mixed.choice([1, 2, 4])} GiB", relocatable=True
        )
        made.append(options(one))
        body[f"r{index}"] = _runs(made[-1], instances // number)
    role: type[Role] = type("Any", (Role,), body)
    stack.role(role)
    environment = Environment(
        name="dev",
        file=Path("environments/dev.yaml"),
        hosts={
            f"h{n:04}": Host(f"h{n:04}", address=f"10.0.{n // 250}.{n % 250 + 1}", roles=("any",)) for n in range(hosts)
        },
        config={},
        pins={},
        strategy="least-loaded",
        pulls_from="",
        certificates={},
    )
    each = -(-instances // hosts)  # what an instance takes on average leaves a host about half full
    facts = HostFacts(cpus=1.6 * each, memory=(6 * each) << 30, disk=1 << 40, os="debian 12", docker="24.0.7")
    scope = Scope("bench", "dev", salt=SALT)
    observed = {name: Observed(host, scope, facts=facts) for name, host in environment.hosts.items()}
    return World(stack, evaluate(stack, Path()), environment, observed)


def _runs(service: type[Service], count: int) -> "Runs[Service]":
    return runs(service, exactly(count))


def plan(given: World, *, timings: dict[str, float] | None = None) -> tuple[Step, ...]:
    """Place, desire, plan; seconds of this process by stage are put into `timings`."""
    clock = _Clock(timings if timings is not None else {})
    plugins = Plugins.load()
    providers = plugins.providers()
    clock.stage("load plugins")
    problem = placement_problem(given.blueprint, given.environment, given.observed)
    placement = placed(problem, "dev")
    clock.stage("place")
    made = deployment(given.blueprint, given.environment, {}, placement, given.observed)
    wanted = desired(made, classes_of(given.stack), Path(), plugins.resources(made), SALT)
    clock.stage("desire")
    changes = sequence(problem, placement, may_park(given.blueprint, placement))
    keys = {resource.key for resource in wanted}
    actuals = [
        actual
        for seen in given.observed.values()
        for actual in seen.actuals
        if actual.key in keys or actual.key.kind != "image"
    ]
    deciding = Deciding(providers, SALT, given.blueprint, reasons=reasons_of(placement), changes=changes)
    found = steps(wanted, actuals, deciding)
    clock.stage("plan")
    return found


def applied(given: World, made: tuple[Step, ...]) -> World:
    """The world with everything there as those steps leave it."""
    by_host: dict[str, list[Actual]] = {name: [] for name in given.observed}
    for step in made:
        if step.resource is not None:
            by_host[step.key.host].append(_actual(step))
    observed = {name: replace(seen, actuals=tuple(by_host[name])) for name, seen in given.observed.items()}
    return replace(given, observed=observed)


def _actual(step: Step) -> Actual:
    resource = step.resource
    assert resource is not None
    spec: Any = fingerprinted(resource.spec, SALT)
    state: dict[str, object] = {}
    if step.key.kind == "container":
        shares = max(2, round(1024 * spec["cpu"]))
        state = {
            "status": "running", "running": True, "memory": spec["memory"], "cpu_shares": shares, "name": spec["name"],
            "networks": (spec["network"],), "ports": spec["ports"], "image_id": "1", "image_now": "1",
        }  # fmt: skip
    if step.key.kind == "file":
        file, account = DesiredFile.of(resource), ("deploy", "1000")
        spec = {**spec, "content": file.mark(SALT)}
        state = {
            "type": "file", "content": file.mark(SALT), "mode": file.mode, "user": account, "group": account,
            "account": account, "size": len(file.content),
        }  # fmt: skip
    return Actual(resource.key, freeze_mapping(spec), freeze_mapping(state), resource.owner)


def changes_in(made: tuple[Step, ...]) -> int:
    """How many of the steps do something."""
    return sum(step.verb is not Verb.KEEP for step in made)


class _Clock:
    def __init__(self, timings: dict[str, float]) -> None:
        self.timings = timings
        self.last = time.process_time()

    def stage(self, name: str) -> None:
        now = time.process_time()
        self.timings[name] = now - self.last
        self.last = now
