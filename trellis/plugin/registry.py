"""Finds the installed plugins and asks them what they offer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from trellis.errors import TrellisError, UsageError
from trellis.plugin import hookspecs
from trellis.plugin.commands import CommandSpec
from trellis.plugin.requirements import unmet_requirement

if TYPE_CHECKING:  # --help loads the plugins for their commands, and needs none of this
    from pathlib import Path

    from trellis.deployment import Deployment
    from trellis.environments.model import Environment
    from trellis.firewall.backends import Backend
    from trellis.firewall.needs import Need
    from trellis.hosts import Host
    from trellis.placing.solvers.contract import Solver
    from trellis.plugin.contracts import Balancer, Connector, Provider
    from trellis.resources import Resource

_NEEDED = frozenset({"trellis_resources", "trellis_connections", "trellis_clouds"})
"""Hooks whose answers say what hosts should have: one that is missing would be taken for "no longer wanted"."""

GROUP = "trellis"
"""The entry point group that plugins register in."""


class Plugins:
    """The plugins of this installation."""

    def __init__(
        self,
        manager: pluggy.PluginManager,
        warnings: tuple[str, ...] = (),
        distributions: "Mapping[str, Distribution] | None" = None,
    ) -> None:
        self._manager = manager
        self._warnings = dict.fromkeys(warnings)
        self._distributions = distributions or {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each plugin that could not be loaded, or that failed when it was asked; it is left out."""
        return tuple(self._warnings)

    def distribution_of(self, plugin: str) -> tuple[str, str]:
        """Name and version of what a plugin was installed with; empty when that is not known."""
        found = self._distributions.get(plugin)
        return (found.name, found.version) if found else ("", "")

    @classmethod
    def load(cls, found: Iterable[EntryPoint] | None = None) -> "Plugins":
        """Import and register plugins, in the order of their names.

        Args:
            found: the entry points; by default those of every installed distribution.
        """
        manager = pluggy.PluginManager("trellis")
        manager.add_hookspecs(hookspecs)
        points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda point: point.name)
        failures = [_register(manager, point) for point in points]
        distributions = {point.name: point.dist for point in points if point.dist is not None}
        return cls(manager, tuple(failure for failure in failures if failure), distributions)

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Each plugin's name, and the hooks that it implements."""
        return {name: self._hooks_of(plugin) for name, plugin in sorted(self._manager.list_name_plugin())}

    def offers_of(self, plugin: str) -> Mapping[str, list[str]]:
        """What one plugin offers: names of ``schemes``, ``kinds``, ``commands``, ``balancers`` and the like."""

        def of(hook: str) -> Iterator[Any]:
            return (one for name, one in self._offers(hook) if name == plugin)

        return {
            "schemes": sorted(scheme for one in of("trellis_connectors") for scheme in one.schemes),
            "kinds": sorted(kind for one in of("trellis_providers") for kind in one.kinds),
            "commands": sorted(one.name for one in of("trellis_commands")),
            "balancers": sorted(one.name for one in of("trellis_balancers")),
            "firewalls": sorted(one.name for one in of("trellis_firewalls")),
            "solvers": sorted(one.name for one in of("trellis_solver")),
        }

    def connectors(self) -> "Mapping[str, Connector]":
        """Connectors by URL scheme.

        Raises:
            UsageError: two plugins offer one scheme.
        """
        offers = self._offers("trellis_connectors")
        return _unique("the scheme", ((name, scheme, one) for name, one in offers for scheme in one.schemes))

    def providers(self) -> "Mapping[str, Provider]":
        """Providers by resource kind.

        Raises:
            UsageError: two plugins offer one kind.
        """
        offers = [*self._offers("trellis_providers"), *self._own_providers()]
        return _unique("the resource kind", ((name, kind, one) for name, one in offers for kind in one.kinds))

    def _own_providers(self) -> "Iterator[tuple[str, Provider]]":
        """What the engine keeps itself, with parts that plugins bring."""
        from trellis.firewall.provider import FirewallProvider

        yield "trellis", FirewallProvider(self.firewalls())

    def firewalls(self) -> "Mapping[str, Backend]":
        """Firewalls by the name that environments use.

        Raises:
            UsageError: two plugins offer one name.
        """
        offers = self._offers("trellis_firewalls")
        return _unique("the firewall", ((name, one.name, one) for name, one in offers))

    def connections(self, deployment: "Deployment") -> "tuple[Need, ...]":
        """Connections that plugins' own services make."""
        return tuple(need for _, need in self._offers("trellis_connections", deployment=deployment))

    def solvers(self) -> "tuple[Solver, ...]":
        """Placement solvers that plugins offer; the bundled ones need no plugin."""
        return tuple(solver for _, solver in self._offers("trellis_solver"))

    def check(self, environment: "Environment", root: "Path") -> tuple[str, ...]:
        """What plugins have to say about an environment's data.

        Raises:
            ConfigError: a mistake.
        """
        return tuple(text for _, text in self._offers("trellis_check", environment=environment, root=root))

    def balancers(self) -> "Mapping[str, Balancer]":
        """Load balancers by name.

        Raises:
            UsageError: two plugins offer one name.
        """
        return _unique("the balancer", ((name, one.name, one) for name, one in self._offers("trellis_balancers")))

    def clouds(self, environment: "Environment") -> "Mapping[str, Host]":
        """Places outside of the hosts where plugins keep resources, by name.

        Raises:
            UsageError: two plugins offer one name.
        """
        offers = self._offers("trellis_clouds", environment=environment)
        return _unique("the place", ((name, one.name, one) for name, one in offers))

    def resources(self, deployment: "Deployment") -> "tuple[Resource, ...]":
        """What plugins add to a placed stack."""
        return tuple(resource for _, resource in self._offers("trellis_resources", deployment=deployment))

    def commands(self) -> tuple[CommandSpec, ...]:
        """Commands that plugins add to the command line, by name.

        Raises:
            UsageError: two plugins offer one name.
        """
        offers = self._offers("trellis_commands")
        found = _unique("the command", ((name, one.name, one) for name, one in offers))
        return tuple(found[name] for name in sorted(found))

    def _offers(self, hook: str, **arguments: object) -> Iterator[tuple[str, Any]]:
        """(plugin, one thing that it offers). The hook caller would lose which plugin offers what.

        Raises:
            TrellisError: a plugin fails in a hook whose answer is needed as a whole. To go on without it would be to
                take away what it has made.
        """
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda one: str(one.plugin_name)):
            for offer in self._asked(hook, implementation, arguments):
                yield implementation.plugin_name, offer

    def _asked(self, hook: str, implementation: Any, arguments: Mapping[str, object]) -> Iterable[object]:
        """What one plugin answers; a plugin is foreign code and may fail in any way."""
        function: Callable[..., Iterable[object]] = implementation.function
        try:
            return tuple(function(*(arguments[name] for name in implementation.argnames)) or ())
        except TrellisError:
            raise
        except Exception as error:
            plugin, why = implementation.plugin_name, f"{hook} failed with {type(error).__name__}: {error}"
            if hook in _NEEDED:
                distribution, _ = self.distribution_of(plugin)
                raise TrellisError(
                    f"the plugin {plugin} is broken: {why}",
                    hint=f"nothing was changed; mend it, or take it away: pip uninstall {distribution or plugin}",
                ) from error
            self._warnings[f"the plugin {plugin} was left out: {why}"] = None
            return ()

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        callers = self._manager.get_hookcallers(plugin) or ()
        return tuple(sorted(caller.name for caller in callers))


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> str:
    """The sentence that tells why a plugin was left out; empty when it was not."""
    if unmet := unmet_requirement(point.dist):
        return f"the plugin {point.name} was left out: {unmet}"
    try:
        manager.register(point.load(), name=point.name)
    except Exception as error:  # noqa: BLE001 - a plugin is foreign code; it may fail in any way
        return f"the plugin {point.name} ({point.value}) was left out: {type(error).__name__}: {error}"
    return ""


def _unique(what: str, offers: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    found: dict[str, tuple[str, Any]] = {}
    for plugin, key, one in offers:
        if key in found:
            raise UsageError(
                f"the plugins {found[key][0]} and {plugin} both offer {what} {key!r}",
                hint=f"uninstall the distribution of {found[key][0]} or of {plugin}; see: trellis plugins",
            )
        found[key] = (plugin, one)
    return {key: one for key, (_, one) in found.items()}
