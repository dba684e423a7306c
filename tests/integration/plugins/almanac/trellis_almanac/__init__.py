"""An almanac: a service class for stacks, pages on hosts, and a command that reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl
from trellis.plugin.commands import CommandSpec
from trellis_almanac.service import Almanac

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.deployment import Deployment
    from trellis.plugin.contracts import Provider
    from trellis.resources import Resource

__all__ = ["Almanac"]


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of `almanac-page` resources."""
    from trellis_almanac.provider import PageProvider

    return (PageProvider(),)


@hookimpl
def trellis_resources(deployment: "Deployment") -> "Sequence[Resource]":
    """A page for each instance of an almanac."""
    from trellis_almanac.pages import pages

    return pages(deployment)


@hookimpl
def trellis_commands() -> Sequence[CommandSpec]:
    """`trellis almanac`."""
    return (CommandSpec("almanac", "trellis_almanac.cli:almanac", "say what an almanac is"),)
