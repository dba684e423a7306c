"""What Docker's messages mean, and what of a log may be shown."""

import pytest

from trellis_docker.faults import explain_pull, explain_start, first_line, last_lines
from trellis_dsl.secret import Secret


@pytest.mark.parametrize(
    "message",
    [
        (
            "driver failed programming external connectivity on endpoint web (6a): Bind for 10.0.0.11:20002 failed: "
            "port is already allocated"
        ),
        (
            "driver failed programming external connectivity on endpoint web (6a): Error starting userland proxy: "
            "listen tcp4 10.0.0.11:20002: bind: address already in use"
        ),
        (
            "failed to set up container networking: driver failed programming external connectivity on endpoint web: "
            "failed to bind host port for 10.0.0.11:20002:172.17.0.2:80/tcp: address already in use"
        ),
    ],
)
def test_a_port_that_is_taken_is_named(message: str) -> None:
    what, hint = explain_start(message, "ny1")
    assert what == "port 20002 of ny1 is already in use (at 10.0.0.11)"
    assert hint == "see who listens: ss -ltnp 'sport = :20002' (on ny1); stop it or choose another port"


def test_an_address_that_the_host_does_not_have() -> None:
    what, _ = explain_start("listen tcp4 10.9.9.9:20002: bind: cannot assign requested address", "ny1")
    assert what == "ny1 has no address 10.9.9.9"


def test_any_other_message_is_its_first_line() -> None:
    assert explain_start("Error response from daemon: no space left on device\nmore", "ny1")[0] == (
        "no space left on device"
    )
    assert first_line("") == "Docker gave no reason"


def test_an_image_that_cannot_be_had() -> None:
    what, hint = explain_pull("shop/none:1", "pull access denied for shop/none", "ny1")
    assert what == "image shop/none:1 is not on ny1, and it could not be pulled: pull access denied for shop/none"
    assert hint == "check its name, or bring it there: docker save shop/none:1 | docker load"
    assert explain_pull("r/i:1", "unauthorized: authentication required", "ny1")[1].startswith("docker login")


def test_the_last_lines_that_say_something() -> None:
    assert last_lines("a\n\n b\r\n\nc\n", [], 2) == (" b", "c")


def test_secrets_are_masked_even_one_inside_another_and_line_by_line() -> None:
    secrets = [Secret("key"), Secret("key-and-more"), Secret("first line of it\nsecond line of it\nshort"), Secret("")]
    assert last_lines("key-and-more key\n> second line of it <\nshort", secrets) == ("••• •••", "> ••• <", "short")
