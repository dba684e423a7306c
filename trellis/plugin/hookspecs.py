"""The hooks: when each one fires and what it may return."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from trellis.plugin.commands import CommandSpec

if TYPE_CHECKING:  # every start of the command line imports this module
    from pathlib import Path

    from trellis.deployment import Deployment
    from trellis.environments.model import Environment
    from trellis.firewall.backends import Backend
    from trellis.firewall.needs import Need
    from trellis.hosts import Host
    from trellis.placing.solvers.contract import Solver
    from trellis.plugin.contracts import Balancer, Connector, Provider
    from trellis.resources import Resource

hookspec = pluggy.HookspecMarker("trellis")


@hookspec
def trellis_connectors() -> "Sequence[Connector]":
    """Connectors that this plugin offers.

    Fires once a run, when the first host is to be reached. Two plugins that offer one scheme are an error.
    """
    return ()


@hookspec
def trellis_providers() -> "Sequence[Provider]":
    """Providers that this plugin offers.

    Fires once a run, before hosts are observed. Two plugins that offer one resource kind are an error.
    """
    return ()


@hookspec
def trellis_resources(deployment: "Deployment") -> "Sequence[Resource]":
    """Resources that this plugin adds to a placed stack, such as a proxy's config.

    Fires once a run, after placement and before the plan is made. Must be pure: the same deployment gives the
    same resources. A container is given what it needs by naming it in the resource's `owner`, see the
    reference of each kind.
    """
    return ()


@hookspec
def trellis_check(environment: "Environment", root: "Path") -> Sequence[str]:
    """Look for mistakes in an environment's data that only this plugin understands.

    Fires in `trellis check --env`, without any host; `root` is the stack's folder. A mistake is raised as
    `ConfigError`; what is returned are sentences about what is right and still worth saying.
    """
    return ()


@hookspec
def trellis_balancers() -> "Sequence[Balancer]":
    """Load balancers that this plugin offers.

    Fires once a run, after placement. What one can do is told by the contracts of `trellis.plugin.contracts` that it
    satisfies, such as `UsesCertificates` and `DrainsServers`. Two plugins that offer one name are an error.
    """
    return ()


@hookspec
def trellis_clouds(environment: "Environment") -> "Sequence[Host]":
    """Places outside of the environment's hosts where this plugin keeps resources through an API.

    Fires once a run, before hosts are observed. Each place has a name that no host has, a URL of one of the plugin's
    connectors and that connector's options. No instance runs there; only providers that satisfy `KeepsInClouds` are
    asked about it. Must be pure.
    """
    return ()


@hookspec
def trellis_commands() -> Sequence[CommandSpec]:
    """Commands that this plugin adds to the command line.

    Fires at start-up, so it must only name the commands; their modules are imported when they are run.
    """
    return ()


@hookspec
def trellis_solver() -> "Sequence[Solver]":
    """Placement solvers that this plugin offers.

    Fires only when `trellis.yaml` names a solver that is not bundled. Two plugins that offer one name are an
    error. What a solver answers is held to every rule before it is used; `trellis.placing.conformance` has the
    promises that its tests should keep.
    """
    return ()


@hookspec
def trellis_connections(deployment: "Deployment") -> "Sequence[Need]":
    """Connections that a plugin's own services make, besides those that the stack declares.

    Fires once a run, after placement and before the plan is made: a proxy needs to reach what it balances. Each one
    opens a firewall path and is named where that path is explained. Must be pure.
    """
    return ()


@hookspec
def trellis_firewalls() -> "Sequence[Backend]":
    """Firewalls of hosts' systems that this plugin can load rules into.

    Fires once a run, before hosts are observed. Two plugins that offer one name are an error.
    """
    return ()
