import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from trellis.errors import UsageError
from trellis.plugin import hookimpl
from trellis.plugin.commands import CommandSpec
from trellis.plugin.registry import Plugins


def plugin(monkeypatch: pytest.MonkeyPatch, name: str) -> EntryPoint:
    """A plugin that offers the command ``dance``."""
    module = ModuleType(f"trellis_test_{name}")

    @hookimpl
    def trellis_commands() -> Sequence[CommandSpec]:
        return (CommandSpec("dance", "nowhere:dance", f"dance as {name} does"),)

    vars(module)["trellis_commands"] = trellis_commands
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return EntryPoint(name, module.__name__, "trellis")


def test_the_bundled_plugins_offer_what_they_promise() -> None:
    plugins = Plugins.load()
    assert plugins.warnings == ()
    assert {"local", "ssh"} <= set(plugins.connectors())
    assert {"image", "network", "volume", "file", "haproxy-config", "container"} <= set(plugins.providers())
    assert "lab" in [command.name for command in plugins.commands()]


def test_a_plugin_that_cannot_be_imported_is_left_out_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = Plugins.load([EntryPoint("broken", "trellis_not_there", "trellis"), plugin(monkeypatch, "good")])
    assert plugins.warnings == (
        "the plugin broken (trellis_not_there) was left out: ModuleNotFoundError: No module named 'trellis_not_there'",
    )
    assert [command.name for command in plugins.commands()] == ["dance"]


def test_two_plugins_that_offer_the_same_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = Plugins.load([plugin(monkeypatch, "samba"), plugin(monkeypatch, "polka")])
    with pytest.raises(UsageError, match="the plugins polka and samba both offer the command 'dance'"):
        plugins.commands()
