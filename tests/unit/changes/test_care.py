"""What takes something away from a running system is found."""

from dataclasses import replace

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec, ServiceSpec, StorageSpec, UpdateSpec
from trellis.changes.care import needs_care
from trellis.changes.differences import differences
from trellis.placing.model import Counting, InstancePolicy

ONE = InstancePolicy(1, 1, Counting.PER_ROLE)
DATABASE = ServiceSpec("Database", "db:10.1", update=UpdateSpec(methods=(("upgrade", "10.*"),)), relocatable="yes")
BACK = RoleSpec("Back", (RunsSpec("database", "Database", ONE),), (StorageSpec("data", 2 << 30),))
NOW = Blueprint("shop", (DATABASE,), (BACK,))


def cares(after: Blueprint, *accepted: str, before: Blueprint = NOW) -> list[str]:
    return [care.what for care in needs_care(before, after, ["back"], accepted)]


def test_what_grows_needs_no_care() -> None:
    assert cares(NOW) == []
    assert cares(replace(NOW, roles=(replace(BACK, storages=(StorageSpec("data", 3 << 30),)),))) == []


def test_storage_that_is_removed_or_shrinks() -> None:
    smaller = replace(NOW, roles=(replace(BACK, storages=(StorageSpec("data", 1 << 30),)),))
    assert cares(smaller) == ["storage Back.data"]
    assert cares(smaller, "storage Back.data") == []
    assert cares(smaller, "all") == []
    assert cares(replace(NOW, roles=(replace(BACK, storages=()),))) == ["storage Back.data"]


def test_a_role_that_no_host_carries_any_more() -> None:
    renamed = replace(NOW, roles=(replace(BACK, name="Other", storages=()), replace(BACK, runs=())))
    assert cares(renamed) == ["role Back"]


def test_a_service_that_may_no_longer_be_moved() -> None:
    fixed = replace(NOW, services=(replace(DATABASE, relocatable="no"),))
    assert cares(fixed) == ["relocatable Database"]
    assert cares(NOW, before=fixed) == []


def test_an_update_that_the_instructions_do_not_cover() -> None:
    newer = replace(NOW, services=(replace(DATABASE, image="registry:5000/db:11.0"),))
    assert cares(newer) == []
    newest = replace(NOW, services=(replace(DATABASE, image="db:12.0"),))
    assert cares(newest, before=newer) == ["update Database"]
    silent = replace(DATABASE, update=UpdateSpec())
    assert cares(replace(newest, services=(replace(silent, image="db:13"),)), before=newer) == []


def test_differences_are_said_in_the_words_of_the_stack() -> None:
    after = replace(
        NOW,
        services=(replace(DATABASE, image="db:11.0"), ServiceSpec("Report", "report:1")),
        roles=(replace(BACK, storages=(StorageSpec("data", 3 << 30),)),),
    )
    assert [str(item) for item in differences(NOW, after)][:3] == [
        "+ service Report",
        "~ image Database: db:10.1 → db:11.0",
        "+ image Report: report:1",
    ]
    assert "~ storage Back.data: 2 GiB, local → 3 GiB, local" in [str(item) for item in differences(NOW, after)]
    assert differences(NOW, NOW) == ()
