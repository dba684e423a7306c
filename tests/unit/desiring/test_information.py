"""What instances are told about each other: the text of the files, and what changes a container."""

import base64
import json
from typing import Any, Literal

import pytest

from trellis.desiring.information import Information, information
from trellis.hosts import Host
from trellis.testing.placed import Placed, placed
from trellis_dsl import Role, Service, Stack, connects_to, exactly, listens, one_per_host, runs

OnChange = Literal["restart", "signal", "nothing"]


def shop(on_change: OnChange = "restart") -> Placed:
    stack = Stack("shop")

    @stack.service(image="db:1")
    class DB(Service):
        sql = listens(3306)

    @stack.service(image="web:1")
    class Web(Service):
        main_db = connects_to(DB.sql, on_change=on_change, signal="USR1")

    @stack.role
    class Data(Role):
        db = runs(DB, exactly(2))

    @stack.role
    class Front(Role):
        web = runs(Web, one_per_host)

    hosts = [
        Host("a", address="10.0.0.1", roles=("data",)),
        Host("b", address="10.0.0.2", roles=("data", "front")),
        Host("c", address="10.0.0.3", roles=("front",)),
    ]
    return placed(stack, hosts)


def told(made: Placed, host: str) -> Information:
    (web,) = [one for one in made.deployment.instances_of("Web") if one.host.name == host]
    return information(web, made.deployment)


def text(found: Information, name: str) -> str:
    (resource,) = [one for one in found.resources if one.key.name.endswith(f"/information/{name}")]
    return base64.b64decode(str(resource.spec["content"])).decode()


def ports(made: Placed) -> dict[str, tuple[str, int]]:
    instances = made.deployment.instances_of("DB")
    return {one.host.name: (f"db-{one.index}", one.published["sql"].port) for one in instances}


def test_the_file_names_every_instance_the_nearest_first() -> None:
    made = shop()
    (near, _), (far, port) = ports(made)["b"], ports(made)["a"]
    document: Any = json.loads(text(told(made, "b"), "services.json"))
    assert document["services"] == {
        "main_db": {
            "service": "DB",
            "endpoint": "sql",
            "protocol": "tcp",
            "host": near,
            "port": 3306,
            "instances": [
                {"name": near, "on": "b", "host": near, "port": 3306},
                {"name": far, "on": "a", "host": "10.0.0.1", "port": port},
            ],
        }
    }
    assert (document["schema_version"], document["stack"], document["environment"]) == (1, "shop", "dev")


def test_names_on_other_hosts_are_in_the_hosts_file_and_the_engine_knows_the_others() -> None:
    made = shop()
    (near, _), (far, _) = ports(made)["b"], ports(made)["a"]
    beside, away = told(made, "b"), told(made, "c")
    assert beside.extra_hosts == (f"{far}:10.0.0.1",)
    assert beside.links == (f"shop-dev-{near}:main-db",)
    first = min(near, far)
    address = {near: "10.0.0.2", far: "10.0.0.1"}
    second = near if first == far else far
    assert away.extra_hosts == (f"main-db:{address[first]}", f"{first}:{address[first]}", f"{second}:{address[second]}")
    assert away.links == ()


def test_who_is_made_anew_has_it_in_the_environment_too() -> None:
    made = shop()
    (near, _), (_, port) = ports(made)["b"], ports(made)["a"]
    assert told(made, "b").env == {
        "TRELLIS_SERVICES": "/etc/trellis/services.json",
        "TRELLIS_MAIN_DB_HOST": near,
        "TRELLIS_MAIN_DB_PORT": "3306",
        "TRELLIS_MAIN_DB_INSTANCES": f"{near}:3306,10.0.0.1:{port}",
    }


@pytest.mark.parametrize("on_change", ["signal", "nothing"])
def test_who_reads_it_again_has_nothing_that_would_need_a_new_container(on_change: OnChange) -> None:
    found = told(shop(on_change), "c")
    assert found.env == {"TRELLIS_SERVICES": "/etc/trellis/services.json"}
    assert (found.extra_hosts, found.links) == ((), ())
    (telling,) = [resource.spec.get("tell") for resource in found.resources]
    (web,) = [one for one in shop().deployment.instances_of("Web") if one.host.name == "c"]
    assert telling == ({"container": web.name, "signal": "USR1"} if on_change == "signal" else None)


def test_who_depends_on_nobody_is_told_nothing() -> None:
    made = shop()
    assert information(made.deployment.instances_of("DB")[0], made.deployment) == Information()
