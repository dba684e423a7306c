"""A restored file reaches the container that has it mounted."""

from dataclasses import replace

from trellis.plans import Step, Verb
from trellis.resources import Actual, Resource, ResourceKey
from trellis.restarting import with_restarts
from trellis.values import freeze_mapping

FILE = ResourceKey("file", "/var/lib/trellis/shop/dev/web-1/files/config", "ny1")
CONTAINER = ResourceKey("container", "web-1", "ny1")


def file_step(verb: Verb = Verb.UPDATE, **spec: object) -> Step:
    resource = Resource(FILE, freeze_mapping({"restarts": True} | spec))
    return Step(FILE, verb, "content changed by hand, restored", resource, drift=True)


def container_step(verb: Verb = Verb.KEEP, *, running: bool = True) -> Step:
    resource = Resource(CONTAINER, {}, requires=(FILE,))
    return Step(CONTAINER, verb, "already equal", resource, Actual(CONTAINER, {}, freeze_mapping({"running": running})))


def test_a_running_container_is_made_anew_for_its_restored_file():
    _, container = with_restarts([file_step(), container_step()])
    assert (container.verb, container.reason, container.drift) == (
        Verb.REPLACE,
        "its file config is written anew",
        True,
    )


def test_what_does_not_run_sees_the_file_when_it_starts():
    steps = [file_step(), container_step(running=False)]
    assert with_restarts(steps) == steps


def test_a_file_that_waits_or_is_equal_leaves_the_container_alone():
    for file in (file_step(restarts=False), file_step(Verb.KEEP)):
        steps = [file, container_step()]
        assert with_restarts(steps) == steps


def test_a_container_that_changes_anyway_keeps_its_own_reason():
    steps = [file_step(), replace(container_step(Verb.REPLACE), reason="image 1 → 2")]
    assert with_restarts(steps) == steps


def test_a_container_that_is_older_than_its_file_is_made_anew():
    """A run was killed after it had restored the file: the container still has the one before."""
    file = replace(file_step(Verb.KEEP), actual=Actual(FILE, {}, freeze_mapping({"written": 1_700_000_100})))
    older, younger, unknown = (
        replace(
            container_step(), actual=Actual(CONTAINER, {}, freeze_mapping({"running": True, "started_at": started}))
        )
        for started in ("2023-11-14T22:14:59.123456789Z", "2023-11-14T22:15:00.000000001Z", "")
    )
    _, container = with_restarts([file, older])
    assert (container.verb, container.drift) == (Verb.REPLACE, False)
    assert container.reason == "its file config is newer than the container, which still has the old"
    for fine in (younger, unknown):
        assert with_restarts([file, fine]) == [file, fine]
