"""A real HAProxy: routes, reloads without losing a request, and never takes a bad configuration."""

import asyncio
import http.client
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from trellis.deployment import HostAddress
from trellis.errors import ApplyError
from trellis.plans import Verb
from trellis.values import freeze_mapping
from trellis_dsl.sites import Handling


def with_config(resource, text):
    """The same resource with another text: what a mistake in the rendering would give."""
    return replace(resource, spec=freeze_mapping({**resource.spec, "config": text}))


def containers(host):
    listed = subprocess.run(
        ["docker", "ps", "-a", "--filter", f"name={host.stack}", "--format", "{{.Names}}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return listed.stdout.split()


async def test_before_the_container_runs_only_the_file_is_written(host, backends, site):
    desired = host.desired(site("shop.example", backends[0].answers))
    step = await host.up(desired)
    assert (step.verb, step.reason) == (Verb.CREATE, "new config for 1 site: shop.example")
    assert host.file.read_text() == desired.spec["config"]
    assert sorted(path.name for path in host.file.parent.glob("*.cfg")) == ["existing.cfg", "haproxy.cfg"]
    assert containers(host) == []
    assert await host.up(desired) is None


async def test_sites_are_told_apart_by_host_and_longest_path(running, backends, site):
    one, two, three = (backend.answers for backend in backends)
    await running.up(
        running.desired(
            site("shop.example", one),
            site("shop.example", two, path="/api"),
            site("shop.example", three, path="/api/v2", health="/healthz"),
        )
    )
    assert running.get("shop.example", "/x?y=1") == (200, "website-1 /x?y=1")
    assert running.get("SHOP.example:8080", "/") == (200, "website-1 /")
    assert running.get("shop.example", "/api") == (200, "website-2 /api")
    assert running.get("shop.example", "/api/x") == (200, "website-2 /api/x")
    assert running.get("shop.example", "/apix") == (200, "website-1 /apix")
    assert running.get("shop.example", "/api/v2/x") == (200, "website-3 /api/v2/x")
    assert running.get("other.example") == (404, "There is no site at this address.\n")
    assert running.get("shop.example.other") == (404, "There is no site at this address.\n")


async def test_a_refused_connection_goes_to_the_next_server(running, backends, site):
    await running.up(running.desired(site("shop.example", *(backend.answers for backend in backends))))
    backends[1].stop()
    answers = {running.get("shop.example") for _ in range(20)}
    assert answers == {(200, "website-1 /"), (200, "website-3 /")}
    backends[0].stop()
    backends[2].stop()
    assert running.get("shop.example") == (503, "This site is not available at the moment.\n")


async def test_what_a_crashed_instance_left_unanswered_is_sent_again_where_that_is_wanted(running, backends, site):
    with crashing() as answers:
        lost = site("shop.example", backends[0].answers, ("website-2", answers))
        await running.up(running.desired(lost))
        assert {running.visit("shop.example").status for _ in range(10)} == {200, 502}
        await running.up(running.desired(replace(lost, handling=Handling(resend=True))))
        assert {running.visit("shop.example").status for _ in range(10)} == {200}
        posted = {running.visit("shop.example", method="POST").status for _ in range(10)}
        assert 502 in posted, "what changes something is never sent twice"


@contextmanager
def crashing():
    """Where something takes requests, and ends without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def take():
            server.settimeout(0.05)
            while not ended.is_set():
                with suppress(OSError), server.accept()[0] as connection:
                    connection.settimeout(1)
                    connection.recv(65536)

        thread = threading.Thread(target=take)
        thread.start()
        yield HostAddress("127.0.0.1", server.getsockname()[1])
        ended.set()
        thread.join()


async def test_a_second_run_has_nothing_to_do(running, backends, site):
    desired = running.desired(site("shop.example", backends[0].answers))
    before = running.file.stat().st_mtime_ns
    step = await running.plan(desired)
    assert (step.verb, step.reason) == (Verb.KEEP, "already equal")
    assert await running.up(desired) is None
    assert running.file.stat().st_mtime_ns == before


async def test_added_servers_and_sites_are_served_after_a_reload(running, backends, site):
    one, two, three = (backend.answers for backend in backends)
    step = await running.up(running.desired(site("shop.example", one, two)))
    assert step.reason == "1 server added: website-2"
    step = await running.up(running.desired(site("blog.example", three), site("shop.example", one, two)))
    assert step.reason == "site blog.example added"
    assert running.get("blog.example") == (200, "website-3 /")


async def test_a_server_of_a_sticky_site_is_added_without_a_reload_and_keeps_its_visitors(running, backends, site):
    one, two, _ = (backend.answers for backend in backends)
    sticky = Handling(sticky=True)
    await running.up(running.desired(replace(site("shop.example", one), handling=sticky)))
    before = running.reloads()
    step = await running.up(running.desired(replace(site("shop.example", one, two), handling=sticky)))
    assert step.reason == "1 server added: website-2"
    assert running.reloads() == before
    cookies = {}
    for _ in range(200):
        answer = running.visit("shop.example")
        cookies[answer.text] = answer.cookie
        if len(cookies) == 2:
            break
        await asyncio.sleep(0.05)
    assert sorted(cookies) == ["website-1 /", "website-2 /"]
    for page, cookie in cookies.items():
        assert cookie.startswith("TRELLIS=")
        assert {running.visit("shop.example", cookie).text for _ in range(10)} == {page}
    for host in ("127.0.0.1", "website"):
        assert host not in "".join(cookies.values()), "a cookie tells nothing about the hosts behind"


class Load:
    """Clients that each send a bounded number of requests, on kept and on new connections; counts what fails."""

    def __init__(self, port, clients=4, most=2000):
        self.failures, self.answered, self.ending = [], 0, threading.Event()
        self.most = most
        self.threads = [threading.Thread(target=self._client, args=(port, kept % 2 == 0)) for kept in range(clients)]
        for thread in self.threads:
            thread.start()

    def _client(self, port, kept):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(self.most):
            if self.ending.wait(0.002):
                break
            try:
                connection.request("GET", "/", headers={"Host": "shop.example"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(answer.status)
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            if not kept:
                connection.close()
        connection.close()

    def answer_until(self, count):
        """Until so many requests have been answered, one has failed, or all have been sent."""
        while self.answered < count and not self.failures and any(thread.is_alive() for thread in self.threads):
            self.ending.wait(0.01)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


async def test_reloads_under_load_lose_no_request(running, backends, site):
    answers = [backend.answers for backend in backends]
    load = Load(running.port)
    try:
        for count in (2, 3, 2, 1, 3):
            already = load.answered
            await running.up(running.desired(site("shop.example", *answers[:count])))
            await asyncio.to_thread(load.answer_until, already + 100)
    finally:
        load.end()
    assert load.failures == []
    assert load.answered >= 500


async def test_a_configuration_that_haproxy_rejects_never_replaces_the_good_one(running, backends, site):
    good = running.desired(site("shop.example", backends[0].answers))
    changed = running.desired(site("shop.example", backends[1].answers))
    bad = with_config(changed, str(changed.spec["config"]).replace("balance roundrobin", "balance roundrobbin"))
    with pytest.raises(
        ApplyError, match=r"does not take the new configuration: parsing .*:12\] : balance only supports"
    ) as error:
        await running.up(bad)
    assert error.value.exit_code == 4
    assert "the old configuration is in place and serves" in error.value.hint
    assert running.file.read_text() == good.spec["config"]
    assert sorted(path.name for path in running.file.parent.glob("*.cfg")) == ["existing.cfg", "haproxy.cfg"]
    assert running.get("shop.example") == (200, "website-1 /")
    assert (await running.plan(good)).reason == "already equal"
    assert containers(running) == [running.container]


async def test_a_first_configuration_that_haproxy_rejects_is_not_written(host, backends, site):
    bad = with_config(host.desired(site("shop.example", backends[0].answers)), "nonsense\n")
    with pytest.raises(ApplyError, match="does not take the new configuration"):
        await host.up(bad)
    assert not host.file.exists()
    step = await host.up(host.desired(site("shop.example", backends[0].answers)))
    assert (step.verb, step.reason) == (Verb.CREATE, "an earlier run did not finish")


async def test_one_that_passes_the_check_and_cannot_be_loaded_is_taken_back(running, backends, site):
    """The check opens no port, so only the reload finds out that one is taken."""
    good = running.desired(site("shop.example", backends[0].answers))
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ApplyError, match=r"did not load the new configuration: .*bind") as error:
            await running.up(running.desired(site("shop.example", backends[1].answers), port=port))
    assert "the old configuration is in place and serves" in error.value.hint
    assert running.file.read_text() == good.spec["config"]
    assert running.get("shop.example") == (200, "website-1 /")
    assert (await running.plan(good)).reason == "already equal"
    step = await running.up(running.desired(site("shop.example", backends[1].answers)))
    assert (step.verb, running.get("shop.example")) == (Verb.UPDATE, (200, "website-2 /"))


async def test_tampering_is_drift_and_restored(running, backends, site):
    good = running.desired(site("shop.example", backends[0].answers))
    running.file.write_text("# mine\n")
    step = await running.up(good)
    assert (step.reason, step.drift) == ("changed by hand, restored", True)
    running.file.unlink()
    step = await running.up(good)
    assert (step.verb, step.reason, step.drift) == (Verb.CREATE, "removed by hand, restored", True)
    assert running.file.read_text() == good.spec["config"]
    assert running.get("shop.example") == (200, "website-1 /")


async def test_an_image_that_is_not_there_is_a_sentence(host, backends, site):
    desired = host.desired(site("shop.example", backends[0].answers))
    missing = replace(desired, spec=freeze_mapping({**desired.spec, "image": "hx/no-such-image:1"}))
    with pytest.raises(ApplyError, match=r"the image is not on the host: .*no-such-image"):
        await host.up(missing)
    assert not host.file.exists()


async def test_a_removal_leaves_nothing(running):
    running.stop()
    step = await running.up(None)
    assert (step.verb, step.reason) == (Verb.REMOVE, "no longer declared")
    assert list(running.data_dir.iterdir()) == []
    assert await running.plan(None) is None


async def test_two_stacks_proxies_do_not_answer_for_each_other(running, host, tmp_path, backends, site):
    other = type(host)(tmp_path / "other", port=running.port)
    desired = other.desired(site("shop.example", backends[1].answers))
    await other.up(desired)
    (actual,) = await other.provider.observe(other.session, other.scope)
    assert actual.state["loaded"] == ""
