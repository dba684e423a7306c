"""What the script prints, HAProxy says and a worker answers."""

import base64

import pytest

from trellis.errors import TrellisError
from trellis.resources import Owner
from trellis_haproxy.facts import complaints, loaded_digest, parse
from trellis_haproxy.record import Record

RECORD = Record(owner=Owner("Web", "HAProxy", 1), written=("a", "b"), ports=(80,), unfinished=True)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_proxys_folder_is_read_back():
    record = encoded(RECORD.to_json() + "\n")
    (with_config,) = parse(f"proxy haproxy-1 {record} ={encoded('global')} changed\n", "ny1")
    (without,) = parse(f"proxy haproxy-1 {record} - -\n", "ny1")
    (empty,) = parse(f"proxy haproxy-1 {record} = -\n", "ny1")
    assert (with_config.name, with_config.record, with_config.config) == ("haproxy-1", RECORD, "global")
    assert (without.config, empty.config) == (None, "")


@pytest.mark.parametrize("line", ["what", f"proxy haproxy-1 {encoded('{}')} -", f"proxy haproxy-1 {encoded('x')} -"])
def test_what_cannot_be_read_is_an_error_and_not_an_empty_answer(line):
    with pytest.raises(TrellisError):
        tuple(parse(line, "ny1"))


@pytest.mark.parametrize(
    ("answer", "digest"),
    [
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshop-1 abc", "abc"),
        ("HTTP/1.1 200 OK\r\n\r\nother-1 abc", ""),
        ("HTTP/1.1 404 Not Found\r\n\r\nshop-1 abc", ""),
        ("HTTP/1.1 200 OK\r\n\r\n<html>a page of nginx</html>", ""),
        ("SSH-2.0-OpenSSH_9.2\r\n", ""),
        ("", ""),
    ],
)
def test_only_the_proxys_own_answer_counts(answer, digest):
    assert loaded_digest(answer, "shop-1") == digest


def test_haproxys_own_words_are_told_without_the_noise():
    output = """\
[NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (1) : config : parsing [/etc/haproxy/candidate.cfg:12] : unknown keyword 'bnd' in 'frontend' section
[ALERT]    (1) : config : Error(s) found in configuration file : /etc/haproxy/candidate.cfg
[ALERT]    (1) : config : Fatal errors found in configuration.
"""
    assert complaints(output) == (
        "parsing [/etc/haproxy/candidate.cfg:12] : unknown keyword 'bnd' in 'frontend' section"
    )
    assert complaints("exec: haproxy: not found") == "exec: haproxy: not found"
