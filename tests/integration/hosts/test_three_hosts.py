"""A website, its database and proxies on three hosts over ssh: the whole program, with every part real."""

import re
from collections.abc import Callable, Iterator

import pytest
from workplace import ROOT, Workplace, until

from trellis_lab import Lab

PORT = 8088
DOMAIN = "shop.localhost"
FOREIGN = "docker run --detach --restart unless-stopped --name foreign --label who=others trellis-test/echo:1"


def foreign_things(shop: Workplace) -> list[str]:
    """What others have on the hosts: how their container was made, and their files."""
    inspected = "{{.Id}} {{.Created}} {{.State.Status}} {{json .Config}} {{json .HostConfig}} {{json .Mounts}}"
    script = f"docker inspect --format '{inspected}' foreign; stat -c '%a %u %y' /srv/theirs; sha256sum /srv/theirs"
    return [shop.on(host.name, "sh", "-c", script) for host in shop.lab.hosts]


def since(shop: Workplace) -> list[str]:
    """Since when the others' containers run."""
    command = ("docker", "inspect", "--format", "{{.State.StartedAt}}", "foreign")
    return [shop.on(host.name, *command) for host in shop.lab.hosts]


@pytest.fixture(scope="module")
def shop(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("shop", "trellis-test/echo:1")
    lab.load("shop/mariadb:10.11", "shop/website:7.1", "shop/haproxy:2.6", "trellis-test/echo:1")
    program = (ROOT / "stacks/shop/stack.py").read_text().replace('Stack("shop")', 'Stack("NAME")')
    program = program.replace("    website = runs(", '    motd = static_file("/etc/motd", "motd")\n    website = runs(')
    made = workplace(lab, "shop", program.replace("    site,\n", "    site,\n    static_file,\n"))
    (made.folder / "motd").write_text("This host is looked after.\n")
    made.environment({"h1": ["database"], "h2": ["web"], "h3": ["web"]}, config="config: {Website.workers: 2}\n")
    made.secret("MariaDB.root_password", "planted-Zq7-secret")
    for host in lab.hosts:
        made.on(
            host.name,
            "sh",
            "-c",
            f"cp -p /etc/motd /srv/motd && {FOREIGN} && echo theirs >/srv/theirs && chmod 600 /srv/theirs",
        )
    before = foreign_things(made)
    yield made
    made.trellis("destroy", "--yes")
    assert foreign_things(made) == before
    for host in lab.hosts:
        assert made.on(host.name, "docker", "ps", "-a", "--format", "{{.Names}}") == "foreign\n"
        assert made.on(host.name, "docker", "volume", "ls", "-q") == ""
        assert made.on(host.name, "docker", "network", "ls", "-q", "--filter", "type=custom") == ""
        assert made.on(host.name, "sh", "-c", "ls -A /var/lib/trellis 2>/dev/null || true") == ""
        made.on(host.name, "cmp", "/etc/motd", "/srv/motd")
        made.on(host.name, "docker", "rm", "-f", "foreign")
        made.on(host.name, "rm", "/srv/theirs", "/srv/motd")


def visits(page: str) -> int:
    """The visits that the database has counted."""
    found = re.search(r'class="count">(\d+)<', page)
    assert found, page
    return int(found[1])


def test_the_site_answers_through_each_proxy_and_a_second_up_has_nothing_to_do(shop: Workplace) -> None:
    before = foreign_things(shop), since(shop)
    done = shop.trellis("up", "--yes").out
    assert re.search(r"Plan: \d+ to create, 2 to change, 0 to remove on 3 hosts", done)
    assert len(re.findall(r"^\+ container ", done, re.MULTILINE)) == 6
    for host in ("h2", "h3"):
        assert "version 7.1" in shop.page(host, PORT, DOMAIN)
    assert sorted(len(names) for names in shop.containers().values()) == [1, 2, 3]
    running = shop.containers("{{.ID}} {{.Names}}")
    assert shop.trellis("up", "--yes").out.splitlines()[-1] == "No changes: everything is as the stack says."
    assert shop.containers("{{.ID}} {{.Names}}") == running
    assert (foreign_things(shop), since(shop)) == before


def test_what_somebody_else_changed_is_drift_and_is_restored(shop: Workplace) -> None:
    website = f"{shop.stack}-dev-website-1"
    host = next(host for host, names in shop.containers().items() if website in names)
    assert shop.trellis("drift").out == "No drift: everything is as Trellis left it.\n"
    shop.on(host, "docker", "rm", "-f", website)
    shop.on("h2", "sh", "-c", "echo tampered >>/etc/motd")
    shop.on("h3", "docker", "stop", f"{shop.stack}-dev-proxy-2")
    drift = shop.trellis("drift", "--json", "--expect-none", status=7).document
    assert {one["id"]: one["what"] for one in drift["drift"]} == {
        f"container:website-1@{host}": "removed by hand",
        "container:proxy-2@h3": "was stopped by hand",
        "file:/etc/motd@h2": "content changed by hand",
    }
    shop.change("website:7.1", "website:7.2")  # not applied: this is change, and not drift
    planned = shop.trellis("plan", "--json").document
    assert {one["id"]: one["what"] for one in planned["drift"]} == {one["id"]: one["what"] for one in drift["drift"]}
    assert shop.trellis("drift", "--json").document == drift
    shop.change("website:7.2", "website:7.1")
    done = shop.trellis("up", "--yes").out
    assert "Drift: 3 resources changed outside Trellis" in done
    assert done.splitlines()[-1] == "Done: 1 created, 2 changed, 0 removed; 3 of them restored after drift"
    assert shop.trellis("drift", "--expect-none").out == "No drift: everything is as Trellis left it.\n"
    assert shop.on("h2", "cat", "/etc/motd") == "This host is looked after.\n"
    assert shop.plan() == []


def test_a_port_that_somebody_took_is_drift(shop: Workplace) -> None:
    shop.on("h2", "docker", "stop", f"{shop.stack}-dev-proxy-1")
    shop.on("h2", "docker", "run", "-d", "--name", "grab", "-p", f"{PORT}:8080", "trellis-test/echo:1")
    drift = shop.trellis("drift", "--json").document["drift"]
    assert [one["what"] for one in drift if one["id"] == "container:proxy-1@h2"] == [
        f"its port tcp/{PORT} is taken by something that is not Trellis's",
        "was stopped by hand",
    ]
    refused = shop.trellis("up", "--yes", status=12).err
    assert f"port {PORT}" in refused
    shop.on("h2", "docker", "rm", "-f", "grab")
    shop.trellis("up", "--yes")
    assert "version 7.1" in shop.page("h2", PORT, DOMAIN)


def test_the_site_answers_after_each_host_was_restarted_with_trellis_not_there(shop: Workplace) -> None:
    counted = visits(shop.page("h2", PORT, DOMAIN))
    for host in ("h1", "h2", "h3"):
        shop.lab.reboot(host)
        for proxy in ("h2", "h3"):
            now = visits(shop.page(proxy, PORT, DOMAIN))
            assert now > counted
            counted = now
    until(lambda: shop.trellis("drift").out.startswith("No drift"), what="no drift after the restarts")
    assert shop.plan() == []


def test_every_host_may_lose_power_at_once(shop: Workplace) -> None:
    counted = visits(shop.page("h2", PORT, DOMAIN))
    for host in shop.lab.hosts:
        shop.lab.crash(host.name)
    for name in ("h3", "h2", "h1"):  # the database's host comes last
        shop.lab.reboot(name)
    assert visits(shop.page("h3", PORT, DOMAIN)) > counted
    assert shop.plan() == []
