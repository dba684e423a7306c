"""Files of containers on a lab host, through the whole pipeline: changes, secrets in memory, a reboot."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from trellis_lab import Lab

STACK = '''
from trellis import (
    Role, Service, Stack, default, dynamic_file, listens, one_per_host, runs, secret, secret_file, static_file,
    static_folder, template_file,
)

stack = Stack("papers")
LOOP = 'trap "busybox cat /etc/papers/level >/tmp/seen" HUP; while :; do busybox sleep 1 & wait $!; done'


@stack.service(image="trellis-test/echo:1", command=("sh", "-c", LOOP), stop_grace=1)
class Reader(Service):
    word = secret("a password")
    lines = default(3, "how many")
    key = secret_file("/run/keys/word")(lambda self: self.word)
    settings = template_file("/opt/settings.ini", "settings.ini.j2")
    level = static_file("/etc/papers/level", "level", on_change="signal")
    later = static_file("/opt/later", "later", on_change="nothing")
    pages = static_folder("/opt/pages", "pages", on_change="nothing")


@stack.role
class Front(Role):
    """Where it runs."""

    reader = runs(Reader, one_per_host)
    site = static_folder("/srv/papers", "pages")
'''
NAME = "papers-dev-reader-1"


class Project:
    """A project whose commands are typed."""

    def __init__(self, root: Path, lab: Lab) -> None:
        self.root, self.lab = root, lab
        (root / "stack.py").write_text(STACK)
        (root / "trellis.yaml").write_text("default_environment: dev\n")
        self.write("settings.ini.j2", "lines = {{ service.lines }}\nhost = {{ host.name }}\n")
        self.write("level", "info\n")
        self.write("later", "old\n")
        self.write("pages/index.html", "<p>hello</p>\n")
        self.write("pages/deep/er/run.sh", "#!/bin/sh\n", mode=0o755)
        hosts = {name: {**entry, "roles": ["Front"]} for name, entry in lab.environment_hosts().items()}  # type: ignore[dict-item]
        (root / "environments").mkdir()
        with (root / "environments" / "dev.yaml").open("w") as file:
            YAML().dump({"hosts": hosts}, file)
        self.type("secret", "set", "Reader.word", stdin="correct horse\n")

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def type(self, *words: str, stdin: str = "", status: int = 0) -> str:
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "trellis"), "-C", str(self.root), *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        assert "correct horse" not in ended.stdout + ended.stderr
        return ended.stdout

    def at_boot(self, *, allowed: bool) -> None:
        """Whether the host may put secret files back by itself."""
        yaml, path = YAML(), self.root / "environments" / "dev.yaml"
        document = yaml.load(path.read_text())
        document["hosts"]["h1"]["secret_files"] = {"at_boot": allowed}
        with path.open("w") as file:
            yaml.dump(document, file)

    def on_host(self, *argv: str) -> str:
        status, output = self.lab.execute("h1", *argv)
        assert status == 0, output
        return output if isinstance(output, str) else output.decode()

    def inside(self, path: str) -> str:
        return self.on_host("docker", "exec", NAME, "busybox", "cat", path)

    def started(self) -> str:
        return self.on_host("docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", NAME)

    def seen(self, path: str, text: str) -> None:
        deadline = time.monotonic() + 20
        while self.lab.execute("h1", "docker", "exec", NAME, "busybox", "cat", path)[1] not in (text, text.encode()):
            assert time.monotonic() < deadline, path
            time.sleep(0.1)


@pytest.fixture(scope="module")
def project(engine, built_images, tmp_path_factory):  # noqa: ARG001 - needed, not read
    built_images("trellis-test/echo:1")
    with Lab.up(1, name=f"lb-papers-{time.time_ns() % 100000}", temporary=True) as lab:
        lab.load("trellis-test/echo:1")
        made = Project(tmp_path_factory.mktemp("papers"), lab)
        made.type("up", "--yes")
        yield made


def test_everything_is_there_and_a_second_up_has_nothing_to_do(project):
    assert project.inside("/run/keys/word") == "correct horse"
    assert project.inside("/opt/settings.ini") == "lines = 3\nhost = h1\n"
    assert project.inside("/etc/papers/level") == "info\n"
    assert project.inside("/opt/pages/deep/er/run.sh") == "#!/bin/sh\n"
    assert project.on_host("find", "/srv/papers", "-type", "f", "-printf", "%m %u %P\n").splitlines() == [
        "644 root index.html",
        "755 root deep/er/run.sh",
    ]
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


def test_a_secret_is_in_memory_and_nowhere_on_the_disk(project):
    where = "/run/trellis/papers/dev/reader-1/key"
    assert project.on_host("stat", "-f", "-c", "%T", where) == "tmpfs\n"
    assert project.on_host("stat", "-c", "%a %U", "/run/trellis") == "700 root\n"
    places = ["/var/lib/trellis", "/etc", "/var/lib/docker/containers", "/root"]
    assert project.lab.execute("h1", "grep", "-rl", "correct horse", *places)[0] == 1


def test_a_change_that_signals_reaches_the_running_process(project):
    before = project.started()
    project.write("level", "debug\n")
    plan = project.type("plan")
    assert f"content changed; {NAME} is sent HUP" in plan
    assert "Plan: 0 to create, 1 to change, 0 to remove on 1 host" in plan
    project.type("up", "--yes")
    project.seen("/tmp/seen", "debug\n")  # noqa: S108 - in the container
    assert project.started() == before
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


def test_a_change_that_waits_is_written_and_nothing_is_restarted(project):
    before = project.started()
    project.write("later", "new\n")
    project.type("up", "--yes")
    assert (project.inside("/opt/later"), project.started()) == ("old\n", before)
    project.on_host("docker", "restart", "--time", "1", NAME)
    assert project.inside("/opt/later") == "new\n"


def test_a_folder_is_kept_equal_with_removals(project):
    project.on_host("sh", "-c", "echo x >/srv/papers/index.html; mkdir /srv/papers/odd; echo y >/srv/papers/odd/one")
    plan = project.type("plan")
    assert "changed by hand, restored: index.html differs, odd/one is too many" in plan
    (project.root / "pages/deep/er/run.sh").unlink()
    project.write("pages/new.html", "new\n")
    project.type("up", "--yes")
    listed = project.on_host("find", "/srv/papers", "-printf", "%P\n").split()
    assert sorted(listed) == ["index.html", "new.html"]
    assert project.inside("/opt/pages/new.html") == "new\n"
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


def test_a_file_that_was_tampered_with_is_restored_in_the_container_too(project):
    project.on_host("sh", "-c", "echo lines = 9 >/var/lib/trellis/papers/dev/reader-1/files/settings")
    assert project.inside("/opt/settings.ini") == "lines = 9\n"
    plan = project.type("plan")
    assert "its file settings is written anew" in plan
    project.type("up", "--yes")
    assert project.inside("/opt/settings.ini") == "lines = 3\nhost = h1\n"
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


# What a run leaves that was killed between its two steps: the file is restored, and the container has the one before.
RESTORED_ALONE = """
cd /var/lib/trellis/papers/dev/reader-1/files
echo lines = 9 >settings
started=$(date -d "$(docker inspect --format '{{.State.StartedAt}}' "$0")" +%s)
until [ "$(date +%s)" -gt "$started" ]; do sleep 0.1; done
printf 'lines = 3\\nhost = h1\\n' >new
mv new settings
"""


def test_a_file_that_was_restored_without_its_container_reaches_it_with_the_next_up(project):
    project.on_host("sh", "-c", RESTORED_ALONE, NAME)
    assert project.inside("/opt/settings.ini") == "lines = 9\n"
    plan = project.type("plan")
    assert "± container reader-1 on h1: its file settings is newer than the container, which still has the old" in plan
    assert "Plan: 0 to create, 1 to change, 0 to remove on 1 host" in plan
    project.type("up", "--yes")
    assert project.inside("/opt/settings.ini") == "lines = 3\nhost = h1\n"
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


def test_a_changed_secret_is_seen_though_its_text_is_not(project):
    before = project.started()
    project.type("secret", "set", "Reader.word", stdin="battery staple\n")
    plan = project.type("plan", "--diff")
    assert "staple" not in plan
    assert "~ file /run/trellis/papers/dev/reader-1/key on h1: content changed" in plan
    project.type("up", "--yes")
    assert project.inside("/run/keys/word") == "battery staple"
    assert project.started() != before
    project.type("secret", "set", "Reader.word", stdin="correct horse\n")
    project.type("up", "--yes")


def test_after_a_power_cut_the_secret_is_gone_until_up_puts_it_back(project):
    project.lab.crash("h1")
    project.lab.reboot("h1")
    assert project.lab.execute("h1", "test", "-e", "/run/trellis/papers")[0] == 1
    plan = project.type("plan")
    assert "+ file /run/trellis/papers/dev/reader-1/key on h1: was in memory and is gone, put back" in plan
    project.type("up", "--yes")
    assert project.inside("/run/keys/word") == "correct horse"
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"


KEY = "/run/trellis/papers/dev/reader-1/key"
KEPT = "/etc/trellis/secret-files"


def test_a_host_that_may_puts_its_secret_files_back_when_it_boots(project):
    project.at_boot(allowed=True)
    before = project.started()
    assert f"~ file {KEY} on h1: kept encrypted for the host's boot" in project.type("plan")
    project.type("up", "--yes")
    assert project.started() == before  # its container does not notice
    project.type("secret", "set", "Reader.word", stdin="battery staple\n")
    project.type("up", "--yes")
    assert project.on_host("stat", "-c", "%a %U", f"{KEPT}/boot.key") == "600 root\n"
    as_it_was = project.on_host("stat", "-c", "%a %U %G", KEY)
    project.lab.crash("h1")
    project.lab.reboot("h1")
    assert project.on_host("cat", KEY) == "battery staple"  # the host's copy is the newest
    assert project.on_host("stat", "-c", "%a %U %G", KEY) == as_it_was
    assert project.on_host("stat", "-f", "-c", "%T", KEY) == "tmpfs\n"
    project.seen("/run/keys/word", "battery staple")  # its container started after it was there
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"
    places = ["/var/lib/trellis", "/etc", "/var/lib/docker/containers", "/root"]
    assert project.lab.execute("h1", "grep", "-rl", "battery staple", *places)[0] == 1


def test_a_copy_that_is_missing_is_made_again(project):
    before = project.started()
    project.on_host("sh", "-c", "rm /var/lib/trellis/papers/dev/files/*.boot")
    plan = project.type("plan")
    assert f"~ file {KEY} on h1: its copy for the host's boot was removed by hand, made again" in plan
    project.type("up", "--yes")
    assert project.on_host("find", "/var/lib/trellis", "-name", "*.boot").count("\n") == 1
    assert project.started() == before


def test_a_host_that_may_no_longer_forgets_its_copy_and_its_key(project):
    project.at_boot(allowed=False)
    assert f"~ file {KEY} on h1: no longer kept for the host's boot" in project.type("plan")
    project.type("up", "--yes")
    assert project.type("up", "--yes") == "No changes: everything is as the stack says.\n"
    for path in (KEPT, "/etc/trellis/boot.d/secret-files"):
        assert project.lab.execute("h1", "test", "-e", path)[0] == 1, path
    assert project.on_host("find", "/var/lib/trellis", "-name", "*.boot*") == ""
    project.at_boot(allowed=True)
    project.type("up", "--yes")


def test_nothing_is_left_when_it_is_destroyed(project):
    project.type("destroy", "--yes")
    for path in ("/srv/papers", "/run/trellis/papers", "/var/lib/trellis/papers", "/etc/trellis"):
        assert project.lab.execute("h1", "test", "-e", path)[0] == 1, path
