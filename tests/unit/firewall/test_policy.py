"""A connection that the environment forbids is refused before any host is asked."""

from pathlib import Path

import pytest

from trellis.blueprint import Blueprint
from trellis.environments.firewall import read_firewall
from trellis.environments.names import ROLE_RULE
from trellis.environments.reading import Problems
from trellis.errors import ConfigError, PolicyError
from trellis.evaluating import evaluate
from trellis.firewall.policy import check_policy
from trellis.firewall.settings import Denial, FirewallSettings
from trellis_dsl import Role, Service, Stack, connects_to, exactly, listens, runs


def blueprint() -> Blueprint:
    stack = Stack("shop")

    @stack.service(image="db:1")
    class DB(Service):
        sql = listens(3306)

    @stack.service(image="web:1")
    class Web(Service):
        db = connects_to(DB.sql)

    @stack.role
    class Front(Role):
        web = runs(Web, exactly(1))

    @stack.role
    class Data(Role):
        db = runs(DB, exactly(1))

    return evaluate(stack, Path())


@pytest.mark.parametrize(
    "denial", [Denial("Web", "DB"), Denial("Front", "Data"), Denial("*", "DB"), Denial("Front", "*")]
)
def test_a_forbidden_connection_is_refused_by_service_and_by_role(denial: Denial) -> None:
    with pytest.raises(PolicyError) as refused:
        check_policy(blueprint(), (denial,), "prod")
    assert refused.value.what == f"Web.db connects to DB.sql, which is forbidden: {denial}"
    assert "firewall.deny in environments/prod.yaml" in (refused.value.hint or "")
    assert refused.value.exit_code == 5


@pytest.mark.parametrize("denial", [Denial("DB", "Web"), Denial("Data", "Front"), Denial("DB", "*")])
def test_what_is_not_forbidden_passes(denial: Denial) -> None:
    check_policy(blueprint(), (denial,), "prod")


def test_a_denial_of_nobody_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as refused:
        check_policy(blueprint(), (Denial("Wbe", "*"),), "prod")
    assert str(refused.value.where) == "environments/prod.yaml: firewall.deny[0].from"
    assert "did you mean Web?" in refused.value.what


def test_the_section_is_read_with_all_its_problems_in_one_error() -> None:
    problems = Problems("environments/prod.yaml")
    read_firewall(
        {"mode": "actal", "egress": "none", "deny": [{"from": "A"}, {"from": "*", "to": 3}], "x": 1}, problems
    )
    with pytest.raises(ConfigError) as refused:
        problems.refuse()
    label = "environments/prod.yaml: firewall"
    assert refused.value.what.splitlines() == [
        f"{label}.x: unknown key",
        f"{label}.mode: 'actal' is not one of potential, actual; did you mean actual?",
        f"{label}.egress: 'none' is not one of open, declared",
        f"{label}.deny[0]: must be a mapping with the keys from and to, such as {{from: Web, to: Database}}",
        f'{label}.deny[1].to: not a name of a service or role, nor "*": use {ROLE_RULE}',
    ]


def test_an_environment_that_says_nothing_has_the_safe_defaults() -> None:
    assert read_firewall({}, Problems("x")) == FirewallSettings("potential", "open", "", ())
