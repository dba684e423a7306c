"""How an environment file names an ssh server."""

from pathlib import Path

import pytest

from trellis.errors import ConfigError
from trellis.hosts import Host
from trellis_ssh.target import Route, Target, parse_route, parse_target


@pytest.mark.parametrize(
    ("url", "target", "shown", "known_as"),
    [
        ("ssh://10.0.0.1", Target("10.0.0.1"), "10.0.0.1", "10.0.0.1"),
        (
            "ssh://deploy@ny1.example:2222/",
            Target("ny1.example", "deploy", 2222),
            "deploy@ny1.example:2222",
            "[ny1.example]:2222",
        ),
        ("ssh://deploy@[fd00::1]", Target("fd00::1", "deploy"), "deploy@fd00::1", "fd00::1"),
        ("ssh://[fd00::1]:23", Target("fd00::1", "", 23), "[fd00::1]:23", "[fd00::1]:23"),
        ("ssh://corp%5Cann@h", Target("h", "corp\\ann"), "corp\\ann@h", "h"),
    ],
)
def test_addresses(url, target, shown, known_as):
    found = parse_target(url, "hosts.h1.connect")
    assert (found, str(found), found.known_as) == (target, shown, known_as)


@pytest.mark.parametrize(
    "url",
    [
        "ssh://", "ssh:///path", "http://h", "h", "ssh://h:0", "ssh://h:99999", "ssh://h:x", "ssh://h/path", "ssh://h?a=b",
        "ssh://-oProxyCommand=id", "ssh://-l@h", "ssh://a%20b@h", "ssh://[fd00::1",
    ],
)  # fmt: skip
def test_what_is_not_an_address_is_refused_with_its_place(url):
    with pytest.raises(ConfigError) as caught:
        parse_target(url, "hosts.h1.connect")
    assert str(caught.value) == f"hosts.h1.connect: {url!r} is not an ssh address"


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_target("ssh://ann:hunter2@h", "hosts.h1.connect")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_route_has_what_the_options_say():
    options = {
        "identity_file": "~/keys/id",
        "certificate_file": "/keys/id-cert.pub",
        "jump": "ops@bastion:2222, ssh://inner",
        "known_hosts": "/keys/known",
        "sudo_password": "Ops.sudo",
        "docker_socket": "/run/user/1000/docker.sock",
        "timeout": "2.5",
    }
    assert parse_route(Host("h1", "ssh://h", options=options)) == Route(
        Target("h"),
        (Target("bastion", "ops", 2222), Target("inner")),
        Path("~/keys/id").expanduser(),
        Path("/keys/id-cert.pub"),
        Path("/keys/known"),
        "/run/user/1000/docker.sock",
        2.5,
    )


def test_a_misspelt_option_is_named_with_the_near_miss():
    with pytest.raises(ConfigError) as caught:
        parse_route(Host("h1", "ssh://h", options={"identityfile": "x"}))
    assert str(caught.value) == "hosts.h1.options: the ssh connector has no option 'identityfile'"
    assert caught.value.hint == "did you mean identity_file?"


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "inf", "1e9"])
def test_a_timeout_that_is_none_is_refused(seconds):
    with pytest.raises(ConfigError, match="not a number of seconds"):
        parse_route(Host("h1", "ssh://h", options={"timeout": seconds}))


def test_a_route_goes_by_its_last_jump_host():
    route = parse_route(Host("h1", "ssh://h", options={"jump": "near,far", "identity_file": "/id"}))
    assert route.via == Route(Target("far"), (Target("near"),), Path("/id"))
    assert route.via.via == Route(Target("near"), (), Path("/id"))
    assert route.via.via.via is None
