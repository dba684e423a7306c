"""Which keys are trusted, and what is said about the others."""

import asyncssh
import pytest

from trellis.errors import ConfigError
from trellis_ssh import known_hosts
from trellis_ssh.target import Route, Target

HOST = Target("10.0.0.1", "deploy")
ODD = Target("10.0.0.1", "deploy", 2222)


def line(target: Target, kind: str = "ssh-ed25519") -> known_hosts.HostKey:
    return known_hosts.as_host_key(target, asyncssh.generate_private_key(kind).convert_to_public())


def test_a_key_is_written_as_openssh_writes_it(tmp_path):
    key = line(ODD)
    known_hosts.remember(tmp_path / "a" / "known_hosts", key)
    assert (tmp_path / "a" / "known_hosts").read_text() == f"{key.line}\n"
    assert key.line.startswith("[10.0.0.1]:2222 ssh-ed25519 AAAA")
    assert key.fingerprint.startswith("SHA256:")


def test_keys_are_added_once_and_after_what_is_there(tmp_path):
    path, first, second = tmp_path / "known_hosts", line(HOST), line(ODD)
    path.write_text("# ours")
    for key in (first, second, first):
        known_hosts.remember(path, key)
    assert path.read_text() == f"# ours\n{first.line}\n{second.line}\n"
    assert [one.name for one in tmp_path.iterdir()] == ["known_hosts"]


def test_known_kinds_are_asked_for_first_and_all_others_after():
    rsa = asyncssh.import_known_hosts(line(HOST, "ssh-rsa").line + "\n")
    asked = known_hosts.algorithms(rsa, HOST)
    assert asked is not None
    assert asked[:2] == ["rsa-sha2-512", "rsa-sha2-256"]
    assert "ssh-ed25519" in asked
    assert "ssh-rsa" not in asked


def test_a_host_with_an_authority_is_left_to_the_library():
    known = asyncssh.import_known_hosts("@cert-authority " + line(HOST).line + "\n")
    assert known_hosts.algorithms(known, HOST) is None


def test_an_unknown_key_says_how_to_trust_it():
    key = line(HOST)
    error = known_hosts.refusal("ny1", "ny1", key, [])
    assert error.exit_code == 3
    assert str(error) == f"the host key of ny1 (deploy@10.0.0.1) is not known yet: {key.fingerprint}"


def test_a_changed_key_warns():
    key = line(HOST)
    error = known_hosts.refusal("ny1", "ny1", key, ["SHA256:old"])
    assert (
        str(error) == f"the host key of ny1 (deploy@10.0.0.1) has changed: it is {key.fingerprint}, known is SHA256:old"
    )
    assert error.hint
    assert error.hint.startswith("somebody may be listening in.")


def test_the_file_named_in_the_options_is_the_only_one(tmp_path, monkeypatch):
    (tmp_path / "trellis.yaml").touch()
    monkeypatch.chdir(tmp_path)
    named = tmp_path / "named"
    assert known_hosts.files_for(Route(HOST, known_hosts=named)) == ()
    named.touch()
    assert known_hosts.files_for(Route(HOST, known_hosts=named)) == (named,)
    (tmp_path / ".trellis").mkdir()
    (tmp_path / ".trellis" / "known_hosts").touch()
    assert known_hosts.files_for(Route(HOST))[0] == tmp_path / ".trellis" / "known_hosts"


def test_a_file_that_is_none_of_known_hosts_is_named(tmp_path):
    (tmp_path / "known_hosts").write_text("nonsense\n")
    with pytest.raises(ConfigError, match="not a file of known host keys"):
        known_hosts.load([tmp_path / "known_hosts"])
