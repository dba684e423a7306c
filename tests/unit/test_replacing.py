"""Another balancer in the place of the stack's own."""

from pathlib import Path

import pytest

from trellis import Role, Service, Stack, connects_to, listens, one_per_host, runs
from trellis.environments.balancer import BalancerSettings
from trellis.environments.model import Environment
from trellis.errors import ConfigError
from trellis.evaluating import evaluate
from trellis.plugin.contracts import Balancer
from trellis.replacing import without_others
from trellis_aws.balancer import AwsBalancer
from trellis_haproxy import HAProxy
from trellis_haproxy.balancer import HAProxyBalancer

KNOWN: dict[str, Balancer] = {"aws": AwsBalancer(), "haproxy": HAProxyBalancer()}


def environment(settings: BalancerSettings) -> Environment:
    return Environment("prod", Path("prod.yaml"), {}, {}, {}, "least-loaded", "", certificates={}, balancer=settings)


def stack() -> Stack:
    made = Stack("shop")

    # As in a stack's own module, which nobody can import.
    edge_class = made.service()(type("Edge", (HAProxy,), {"__module__": "stack"}))

    @made.service(image="a:1")
    class Watcher(Service):
        http = listens(8080)
        edge = connects_to(HAProxy.http)

    class Web(Role):
        edge = runs(edge_class, one_per_host)
        watcher = runs(Watcher, one_per_host)

    made.role(Web)
    return made


def names(settings: BalancerSettings) -> tuple[list[str], list[str], list[str]]:
    found = without_others(evaluate(stack(), Path()), environment(settings), KNOWN)
    [role] = found.roles
    links = [link.service for service in found.services for link in service.connections]
    return [one.name for one in found.services], [one.service for one in role.runs], links


def test_services_of_other_balancers_are_left_out_and_what_connects_to_them_stays() -> None:
    assert names(BalancerSettings("aws")) == (["Watcher"], ["Watcher"], [])


def test_the_stacks_own_stays_where_it_is_chosen_or_nothing_else_serves() -> None:
    whole = (["Edge", "Watcher"], ["Edge", "Watcher"], ["Edge"])
    assert names(BalancerSettings("haproxy")) == whole
    assert names(BalancerSettings("aws", serves=False)) == whole


def test_a_balancer_that_nobody_offers_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no balancer asw; did you mean aws\?"):
        names(BalancerSettings("asw"))
