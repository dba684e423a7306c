import hmac
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from trellis.environments.identity import create_identity, identity_file
from trellis.environments.keeping import load_kept
from trellis.environments.project import Project
from trellis.environments.secrets import NO_SECRETS, load_secrets, remove_secret, salt, secret_keys, set_secret
from trellis.errors import ConfigError, UnknownEnvironmentError
from trellis_dsl.secret import Secret

Writer = Callable[[str, str], Path]
PLANTED = "hunter2-planted\n with ünicode"


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def dev(project: Project, write: Writer) -> Path:
    write("dev", "")
    return project.root / "environments" / "dev.secrets.yaml"


@pytest.mark.usefixtures("dev")
def test_a_secret_comes_back_and_stands_in_no_file(project: Project, tmp_path: Path) -> None:
    set_secret(project, "dev", "Website.password", Secret(PLANTED))
    set_secret(project, "dev", "MariaDB.root_password", Secret("other"))
    assert load_secrets(project, "dev") == {
        "Website.password": Secret(PLANTED),
        "MariaDB.root_password": Secret("other"),
    }
    assert secret_keys(project, "dev") == ("MariaDB.root_password", "Website.password")
    written = files_under(tmp_path)
    assert {path.name for path in written} == {
        "trellis.yaml",
        "dev.yaml",
        "dev.secrets.yaml",
        "dev.keys.yaml",
        "shop.txt",
    }
    assert not [path for path in written if b"hunter2" in path.read_bytes()]


@pytest.mark.usefixtures("dev")
def test_the_identity_is_for_its_owner_only_and_not_in_the_project(project: Project) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    key = identity_file(project)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    identity = key.read_text().splitlines()[-1]
    assert identity.startswith("AGE-SECRET-KEY-")
    assert not [path for path in files_under(project.root) if identity in path.read_text()]


def test_without_the_variable_the_key_lies_in_the_home(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRELLIS_KEY_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert identity_file(project) == tmp_path / ".config/trellis/keys/shop.txt"


def test_a_key_in_the_project_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(project.root / "key.txt"))
    with pytest.raises(ConfigError) as refused:
        create_identity(project)
    assert str(refused.value) == f"{project.root}/key.txt: a key must not lie in the project"


def test_a_key_is_never_overwritten(project: Project) -> None:
    create_identity(project)
    before = identity_file(project).read_bytes()
    with pytest.raises(ConfigError, match="there is a key already"):
        create_identity(project)
    assert identity_file(project).read_bytes() == before


def test_a_key_that_others_may_read_is_refused(project: Project, dev: Path) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    key = identity_file(project)
    key.chmod(0o644)
    with pytest.raises(ConfigError) as refused:
        load_secrets(project, "dev")
    assert str(refused.value) == f"{key}: others may read this key"
    assert refused.value.hint == f"chmod 600 {key}"
    assert dev.exists()


@pytest.mark.usefixtures("dev")
def test_a_key_file_without_an_identity_is_refused_and_not_shown(project: Project) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    identity_file(project).write_text("AGE-SECRET-KEY-1BROKEN\n")
    with pytest.raises(ConfigError) as refused:
        load_secrets(project, "dev")
    assert refused.value.what == "holds no age identity, a line that starts with AGE-SECRET-KEY-"
    assert "BROKEN" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.usefixtures("dev")
def test_a_missing_key_is_named_and_no_new_one_made(project: Project, write: Writer) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    write("test", "")
    key = identity_file(project)
    key.unlink()
    message = f"environments/dev.secrets.yaml: there is no key at {key} to read the secrets with"
    for attempt in (
        lambda: load_secrets(project, "dev"),
        lambda: salt(project, "dev", {}),
        lambda: set_secret(project, "dev", "K", Secret("w")),
        lambda: set_secret(project, "test", "K", Secret("w")),
    ):
        with pytest.raises(ConfigError) as refused:
            attempt()
        assert str(refused.value) == message
        assert refused.value.hint == "copy it from who wrote them, or set TRELLIS_KEY_FILE to its path"
    assert not key.exists()


def test_the_wrong_key_is_named_and_adds_nothing(project: Project, dev: Path) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    identity_file(project).unlink()
    create_identity(project)
    before = dev.read_bytes()
    key = identity_file(project)
    message = f"environments/dev.secrets.yaml: K: the key at {key} is not one that this secret was encrypted to"
    with pytest.raises(ConfigError) as refused:
        load_secrets(project, "dev")
    assert str(refused.value) == message
    with pytest.raises(ConfigError) as refused:
        set_secret(project, "dev", "Other", Secret("w"))
    assert str(refused.value) == message
    assert dev.read_bytes() == before


def test_a_damaged_secret_is_named_and_can_be_set_anew(project: Project, dev: Path) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    lines = dev.read_text().splitlines()
    del lines[3]
    dev.write_text("\n".join(lines) + "\n")
    with pytest.raises(ConfigError) as refused:
        load_secrets(project, "dev")
    assert str(refused.value) == "environments/dev.secrets.yaml: K: damaged: it cannot be decrypted"
    assert refused.value.hint == "trellis secret remove K, then set it anew"
    remove_secret(project, "dev", "K")
    set_secret(project, "dev", "K", Secret("w"))
    assert load_secrets(project, "dev") == {"K": Secret("w")}


def test_a_value_in_clear_text_is_refused_and_not_shown(project: Project, dev: Path) -> None:
    dev.write_text("K: hunter2\nL: 3\n")
    with pytest.raises(ConfigError) as refused:
        load_secrets(project, "dev")
    assert str(refused.value) == (
        "environments/dev.secrets.yaml: K: not encrypted: it must be an armored age file\n"
        "environments/dev.secrets.yaml: L: not encrypted: it must be an armored age file"
    )


def test_recipients_of_the_project_can_read(project: Project, dev: Path) -> None:
    ann, bob = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    shared = replace(project, recipients=(str(ann.to_public()), str(bob.to_public())))
    set_secret(shared, "dev", "K", Secret("v"))
    assert not identity_file(project).exists()
    for reader in (ann, bob):
        identity_file(project).parent.mkdir(exist_ok=True)
        identity_file(project).write_text(f"{reader}\n")
        identity_file(project).chmod(0o600)
        assert load_secrets(shared, "dev") == {"K": Secret("v")}
    assert dev.exists()


@pytest.mark.usefixtures("dev")
def test_a_recipient_that_is_none_is_refused(project: Project) -> None:
    with pytest.raises(ConfigError) as refused:
        set_secret(replace(project, recipients=("bob",)), "dev", "K", Secret("v"))
    assert str(refused.value) == "trellis.yaml: secrets.recipients[0]: not an age public key"


def test_a_removed_secret_is_gone(project: Project, dev: Path) -> None:
    set_secret(project, "dev", "Key", Secret("v"))
    with pytest.raises(ConfigError) as refused:
        remove_secret(project, "dev", "Kay")
    assert str(refused.value) == "environments/dev.secrets.yaml: there is no secret Kay; did you mean Key?"
    remove_secret(project, "dev", "Key")
    assert dict(load_secrets(project, "dev")) == {}
    assert "Key:" not in dev.read_text()


@pytest.mark.usefixtures("dev")
@pytest.mark.parametrize("key", ["", "a b", "clé", "../x", "a\nb"])
def test_a_bad_key_is_refused(project: Project, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        set_secret(project, "dev", key, Secret("v"))
    assert refused.value.what == f"{key!r} is not a key of a secret"


@pytest.mark.usefixtures("dev")
def test_an_empty_secret_and_an_unknown_environment_are_refused(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"^K: a secret cannot be empty$"):
        set_secret(project, "dev", "K", Secret(""))
    with pytest.raises(UnknownEnvironmentError):
        set_secret(project, "prod", "K", Secret("v"))


def kept_salt(project: Project) -> bytes:
    return salt(project, "dev", load_kept(project, "dev"))


@pytest.mark.usefixtures("dev")
def test_without_secrets_the_salt_is_the_same_for_everybody(project: Project) -> None:
    assert kept_salt(project) == NO_SECRETS == b"no-secrets"
    create_identity(project)
    assert kept_salt(project) == NO_SECRETS


@pytest.mark.usefixtures("dev")
def test_the_salt_comes_with_the_first_secret_and_stays(project: Project) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    first = kept_salt(project)
    set_secret(project, "dev", "L", Secret("w"))
    assert kept_salt(project) == first
    assert len(first) == 32
    assert secret_keys(project, "dev") == ("K", "L")


@pytest.mark.usefixtures("dev")
def test_operators_with_different_identities_have_the_same_salt(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipients = []
    for operator in ("theirs", "mine"):
        monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / f"{operator}.txt"))
        recipients.append(create_identity(project))
    shared = replace(project, recipients=tuple(recipients))
    set_secret(shared, "dev", "K", Secret("v"))
    found = kept_salt(shared)
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "theirs.txt"))
    assert kept_salt(shared) == found


@pytest.mark.usefixtures("dev")
def test_an_environment_from_before_keeps_the_salt_that_its_fingerprints_were_made_with(project: Project) -> None:
    set_secret(project, "dev", "K", Secret("v"))
    (project.root / "environments" / "dev.keys.yaml").unlink()
    identity = identity_file(project).read_bytes().splitlines()[-1]
    extracted = hmac.digest(bytes(32), identity, "sha256")  # RFC 5869, steps 1 and 2 for one block
    derived = hmac.digest(extracted, b"dev\x01", "sha256")
    assert kept_salt(project) == derived
    set_secret(project, "dev", "L", Secret("w"))
    assert "salt" in load_kept(project, "dev")
    assert kept_salt(project) == derived


def test_secrets_that_cannot_be_read_are_refused(project: Project, dev: Path) -> None:
    dev.mkdir()
    with pytest.raises(ConfigError) as refused:
        set_secret(project, "dev", "L", Secret("w"))
    assert str(refused.value) == "environments/dev.secrets.yaml: cannot be read: Is a directory"
