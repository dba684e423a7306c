"""Hosts and the secrets that their options name."""

import pytest

from trellis.errors import ConfigError
from trellis.hosts import Host, with_secrets
from trellis_dsl.secret import Secret

HOST = Host("ny1", "ssh://ops@ny1", options={"sudo_password": "Ops.sudo", "identity_file": "~/.ssh/ops"})


def test_an_option_that_ends_in_password_names_a_secret() -> None:
    found = with_secrets(HOST, {"Ops.sudo": Secret("planted"), "Other": Secret("other")})
    assert {option: secret.reveal() for option, secret in found.secrets.items()} == {"sudo_password": "planted"}
    assert "planted" not in repr(found)


def test_a_host_that_names_none_stays_as_it_is() -> None:
    plain = Host("ny1", options={"identity_file": "~/.ssh/ops"})
    assert with_secrets(plain, {}) is plain


def test_a_secret_that_is_not_set_is_named_with_the_command_that_sets_it() -> None:
    with pytest.raises(ConfigError) as caught:
        with_secrets(HOST, {})
    assert str(caught.value) == "hosts.ny1.options.sudo_password: there is no secret Ops.sudo"
    assert caught.value.hint == "trellis secret set Ops.sudo"
