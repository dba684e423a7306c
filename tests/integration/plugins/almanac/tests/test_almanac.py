"""How a plugin's author tests it: with `trellis.testing`, without any host."""

from pathlib import Path

from trellis_almanac import Almanac
from trellis_almanac.provider import PageProvider

from trellis import Role, Stack, one_per_role, runs
from trellis.hosts import Host
from trellis.plugin.contracts import Scope
from trellis.resources import Resource, ResourceKey
from trellis.testing import HostDouble, Keeping, assert_golden, plan, shown
from trellis.values import freeze_mapping

stack = Stack("library")


@stack.role
class Shelf(Role):
    """Where the almanac stands."""

    almanac = runs(Almanac, one_per_role)


def test_a_stack_with_an_almanac_has_its_page():
    made = plan(stack, [Host("h1", roles=("Shelf",))], config={"Almanac.year": 1999})
    assert_golden(shown(made), Path(__file__).with_name("plan.txt"))


async def test_a_page_that_differs_is_written():
    host = HostDouble()
    host.answer("sh", "-c", stdout="almanac-1\tThe almanac of 1998\n")
    keeping = Keeping(PageProvider(), host, Scope("library", "dev"))
    key = ResourceKey("almanac-page", "almanac-1", "h1")
    spec = freeze_mapping({"path": "/var/lib/trellis/library/dev/almanac/almanac-1", "text": "The almanac of 1999\n"})
    (step,) = await keeping.up(Resource(key, spec))
    assert step.reason == "another text"
    assert host.asked[-1].stdin == b"The almanac of 1999\n"
    assert host.asked[-1].sudo
