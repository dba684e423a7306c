"""A lab's keys."""

import io
import subprocess
import tarfile
from ipaddress import IPv4Address

from trellis_lab import keys
from trellis_lab.model import Access, LabHost

HOSTS = (LabHost("h1", IPv4Address("10.88.0.11")), LabHost("h2", IPv4Address("10.88.0.12")))


def test_openssh_reads_the_keys(tmp_path):
    pair = keys.make_key_pair()
    (tmp_path / "id").write_bytes(pair.private)
    (tmp_path / "id").chmod(0o600)
    derived = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "id"], capture_output=True, check=True)
    assert derived.stdout.split()[:2] == pair.public.split()


def test_what_the_operator_keeps_is_private_and_complete(tmp_path):
    access = Access(tmp_path / "labs" / "demo")
    archives = keys.write_keys(access, HOSTS)
    assert access.folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in access.folder.iterdir()} == dict.fromkeys(
        ["id_ed25519", "id_ed25519.pub", "user_ca", "sudo_password", "known_hosts"], 0o600
    )
    assert [line.split()[0] for line in access.known_hosts.read_text().splitlines()] == ["10.88.0.11", "10.88.0.12"]
    assert set(archives) == {"h1", "h2"}


def test_what_a_host_gets_is_closed_to_its_accounts(tmp_path):
    archive = keys.write_keys(Access(tmp_path), HOSTS)["h1"]
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        modes = {member.name: member.mode for member in tar.getmembers()}
    assert modes == {
        "etc/trellis-lab": 0o755,
        "etc/trellis-lab/authorized_keys": 0o644,
        "etc/trellis-lab/user_ca.pub": 0o644,
        "etc/trellis-lab/passwords": 0o600,
        "etc/trellis-lab/host_key": 0o600,
    }


def test_every_lab_and_every_host_has_keys_of_its_own(tmp_path):
    first, second = Access(tmp_path / "1"), Access(tmp_path / "2")
    archives = [*keys.write_keys(first, HOSTS).values(), *keys.write_keys(second, HOSTS).values()]
    assert len(set(archives)) == 4
    assert first.identity.read_bytes() != second.identity.read_bytes()
    assert first.sudo_password.read_text() != second.sudo_password.read_text()


def test_forgetting_leaves_nothing(tmp_path):
    access = Access(tmp_path / "demo")
    keys.write_keys(access, HOSTS)
    keys.forget(access)
    keys.forget(access)
    assert not access.folder.exists()
