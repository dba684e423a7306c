"""A service goes to another role, or the reason why it cannot is said."""

from dataclasses import replace

import pytest

from trellis.blueprint import AllowSpec, Blueprint, MountSpec, RoleSpec, RunsSpec, ServiceSpec, StorageSpec
from trellis.changes.care import needs_care
from trellis.changes.extracting import Asked, extraction, without_hosts
from trellis.errors import ConfigError, PolicyError, UsageError
from trellis.overrides.file import apply_text
from trellis.placing.model import Counting, InstancePolicy
from trellis_dsl.errors import StackError

TWO = InstancePolicy(2, 2, Counting.PER_ROLE)
WEBSITE = ServiceSpec("Website", "website:1", relocatable="yes")
DATABASE = ServiceSpec("Database", "db:1", relocatable="yes", mounts=(MountSpec("data", "/data"),))
REPORTS = ServiceSpec("Reports", "reports:1")
CACHE = ServiceSpec("Cache", "cache:1", relocatable="coordinated")
OFFICE = AllowSpec("office", ("192.0.2.0/24",), "Website.http")
BACK = RoleSpec("Back", (RunsSpec("database", "Database", TWO, (("data", "data"),)),), (StorageSpec("data", 1),))
OTHER = RoleSpec("Other")
RUNS = (RunsSpec("website", "Website", TWO), RunsSpec("reports", "Reports", TWO), RunsSpec("cache", "Cache", TWO))
WEB = RoleSpec("Web", RUNS, allows=(OFFICE, AllowSpec("monitoring", ("198.51.100.1",))))
SHOP = Blueprint("shop", (CACHE, DATABASE, REPORTS, WEBSITE), (BACK, OTHER, WEB))
CARRIED = {"dev": ("back", "frontend", "web"), "prod": ("web",)}


def values(service: str, to: str, *, overrides: str = "", source: str = "") -> dict[str, object | None]:
    given = dict(line.split(": ") for line in overrides.splitlines())
    asked = Asked(service, to, source)
    return dict(extraction(SHOP, apply_text(SHOP, overrides), given, asked, CARRIED).values)


def test_it_is_one_key_however_often_it_goes() -> None:
    assert values("Website", "Frontend") == {"Web.website.role": "Frontend"}
    assert values("Website", "back", overrides="Web.website.role: Frontend") == {"Web.website.role": "Back"}
    assert values("Website", "Web", overrides="Web.website.role: Frontend") == {"Web.website.role": None}
    twice = "Web.website.role: Frontend\nFrontend.website.role: Back"
    assert values("Website", "Web", overrides=twice) == {"Web.website.role": None, "Frontend.website.role": None}


def test_what_is_set_of_it_holds_in_whatever_order_it_is_written() -> None:
    for lines in (
        ("Web.website.role: Frontend", "Web.website.count: 3", "Web.reports.count: 1"),
        ("Frontend.website.count: 3", "Web.reports.count: 1", "Web.website.role: Frontend"),
    ):
        after = apply_text(SHOP, "\n".join(lines))
        (run,) = after.role("Frontend").runs
        assert (run.service, run.policy.low) == ("Website", 3)
        assert [role.name for role in after.roles] == ["Back", "Frontend", "Other", "Web"]
        assert after.service("Website") == WEBSITE


def test_whom_its_role_lets_in_comes_along() -> None:
    after = apply_text(SHOP, "Web.website.role: Frontend")
    assert after.role("Frontend").allows == (OFFICE,)
    assert [allow.name for allow in after.role("Web").allows] == ["monitoring"]


@pytest.mark.parametrize(
    ("service", "to", "error", "why"),
    [
        ("Websit", "Back", UsageError, "there is no service Websit; did you mean Website?"),
        ("Website", "Web", UsageError, "Web runs Website already"),
        ("Website", "Frontendd", UsageError, "the stack has no role Frontendd, and no host carries one"),
        ("Website", "Backs", UsageError, "and no host carries one; did you mean Back?"),
        ("Website", "Other", PolicyError, "no host of any environment carries Other, so none would run Website"),
        ("Website", "Staging", StackError, "role 'Staging' is named after an environment"),
        ("Website", "a b", StackError, "'a b' cannot be a name"),
        ("Website", "cache", ConfigError, "cache is a service, not a role"),
        ("Reports", "Back", PolicyError, "Reports is not relocatable"),
        ("Database", "Web", PolicyError, "keeps its data in Back.data, on disks of the hosts that carry Back"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(service: str, to: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error) as refused:
        values(service, to)
    assert why in str(refused.value)


def test_data_does_not_go_along_by_setting_the_attribute_either() -> None:
    with pytest.raises(ConfigError, match="that does not move"):
        apply_text(SHOP, "Back.database.role: Web")


def test_where_two_roles_run_it_one_is_named() -> None:
    both = replace(SHOP, roles=(BACK, replace(OTHER, runs=(RunsSpec("site", "Website", TWO),)), WEB))
    with pytest.raises(UsageError, match="Other and Web run Website") as refused:
        extraction(both, both, {}, Asked("Website", "Back"), CARRIED)
    assert refused.value.hint == "--from Other"
    found = extraction(both, both, {}, Asked("Website", "Back", "other"), CARRIED)
    assert found.values == {"Other.site.role": "Back"}
    with pytest.raises(ConfigError, match="Web runs Website already"):
        apply_text(both, "Other.site.role: Web")


def test_one_that_moves_only_with_a_word_needs_care() -> None:
    after = apply_text(SHOP, "Web.cache.role: Back\nWeb.website.role: Back")
    (care,) = needs_care(SHOP, after, ["back", "web"])
    assert care.what == "move Cache"
    assert care.sentence == "Cache, which is moved only with a word, goes from Web to Back"
    assert needs_care(SHOP, after, ["back", "web"], ["move Cache"]) == ()


def test_environments_that_lack_a_host_for_it_are_named() -> None:
    expected = ["no host of prod carries Frontend yet: trellis role add Frontend HOST -e prod"]
    assert without_hosts("Frontend", CARRIED) == expected
