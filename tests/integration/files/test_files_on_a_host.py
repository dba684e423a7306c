"""Files on a real file system: written, kept, restored, taken away."""

import asyncio
import os
import stat
import subprocess
from contextlib import suppress

import pytest

from trellis.errors import ApplyError, UsageError
from trellis.plans import Verb
from trellis.plugin.contracts import Applying
from trellis_dsl.secret import Secret


def contents(folder):
    """Every file below a folder with its bytes and mode: what must be as before."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", stat.S_IMODE(path.stat().st_mode))
        for path in sorted(folder.rglob("*"))
    }


async def test_a_file_is_written_once_and_then_kept(host):
    motd = host.file("etc/motd", "welcome\n", mode=0o640)
    (step,) = await host.up(motd)
    assert (step.verb, step.reason) == (Verb.CREATE, "new file")
    path = host.root / "etc/motd"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("welcome\n", 0o640)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    assert (path.parent.stat().st_uid, path.stat().st_uid, path.stat().st_gid) == (
        os.getuid(),
        os.getuid(),
        os.getgid(),
    )
    before = contents(host.root)
    assert await host.up(motd) == []
    assert contents(host.root) == before


async def test_planning_changes_nothing(host):
    await host.up(host.file("a", "1"))
    before = contents(host.root.parent)
    await host.plan(host.file("a", "2"), host.file("b", "3"))
    await host.plan()
    assert contents(host.root.parent) == before


async def test_tampering_is_drift_and_restored(host):
    motd = host.file("motd", "welcome\n")
    await host.up(motd)
    path = host.root / "motd"
    path.write_text("tampered\n")
    path.chmod(0o666)
    (step,) = await host.up(motd)
    assert step.drift
    assert step.reason == "content changed by hand, restored, mode 0666 set by hand, back to 0644"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("welcome\n", 0o644)
    path.unlink()
    (step,) = await host.up(motd)
    assert (step.verb, step.reason, step.drift) == (Verb.CREATE, "removed by hand, restored", True)
    assert await host.up(motd) == []


async def test_a_new_content_is_no_drift_and_shows_both_texts(host):
    await host.up(host.file("motd", "one\n"))
    (step,) = await host.up(host.file("motd", "two\n"))
    assert (step.reason, step.drift) == ("content changed", False)
    assert [(change.before, change.after) for change in step.changes] == [("one\n", "two\n")]


async def test_a_file_that_is_no_longer_declared_goes_and_leaves_nothing(host):
    await host.up(host.file("new/folder/one", "1"), host.file("new/two", "2"))
    (host.root / "operators").write_text("own")
    steps = await host.up()
    assert [step.verb for step in steps] == [Verb.REMOVE, Verb.REMOVE]
    assert contents(host.root) == {"operators": (b"own", 0o644)}
    assert list(host.data_dir.iterdir()) == []


async def test_a_folder_that_others_use_by_now_stays(host):
    await host.up(host.file("new/one", "1"))
    (host.root / "new/theirs").write_text("x")
    await host.up()
    assert [path.name for path in (host.root / "new").iterdir()] == ["theirs"]


async def test_what_was_there_before_is_put_back_byte_for_byte(host):
    path = host.root / "motd"
    path.write_bytes(b"their\0own\n")
    path.chmod(0o600)
    before = contents(host.root)
    (step,) = await host.up(host.file("motd", "ours\n"))
    assert "was there before Trellis; its old content is kept in" in step.reason
    assert path.read_text() == "ours\n"
    await host.up(host.file("motd", "ours again\n"))
    (step,) = await host.up()
    assert step.reason == "no longer declared; what was there before Trellis is put back"
    assert contents(host.root) == before
    assert list(host.data_dir.iterdir()) == []


async def test_an_initial_file_belongs_to_the_operators_afterwards(host):
    initial = host.file("app.conf", "default\n", kind="initial")
    await host.up(initial)
    (host.root / "app.conf").write_text("edited\n")
    assert await host.up(host.file("app.conf", "other default\n", kind="initial")) == []
    await host.up()
    assert (host.root / "app.conf").read_text() == "edited\n"
    assert await host.plan() == []


async def test_an_untouched_initial_file_goes_with_its_declaration(host):
    await host.up(host.file("app.conf", "default\n", kind="initial"))
    await host.up()
    assert not (host.root / "app.conf").exists()


async def test_links_and_folders_are_refused_and_stay(host):
    (host.root / "target").write_text("theirs")
    (host.root / "link").symlink_to(host.root / "target")
    (host.root / "folder").mkdir()
    os.mkfifo(host.root / "pipe")
    for name, what in (("link", "symbolic link"), ("folder", "folder"), ("pipe", "device, socket or pipe")):
        with pytest.raises(UsageError, match=f"there is a {what} at"):
            await host.up(host.file(name, "ours"))
    assert (host.root / "target").read_text() == "theirs"


async def test_a_link_that_appears_between_plan_and_apply_is_not_followed(host):
    motd = host.file("motd", "ours")
    steps = await host.plan(motd)
    (host.root / "target").write_text("theirs")
    (host.root / "motd").symlink_to(host.root / "target")
    with pytest.raises(ApplyError, match="could not be written: it is a symbolic link"):
        await host.provider.apply(steps[0], _applying(host))
    assert (host.root / "target").read_text() == "theirs"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to own a link as another account")
async def test_another_accounts_link_among_the_folders_above_is_not_followed(host):
    (host.root / "elsewhere").mkdir()
    (host.root / "way").symlink_to(host.root / "elsewhere")
    os.chown(host.root / "way", 1234, 1234, follow_symlinks=False)
    with pytest.raises(ApplyError, match="way is another account's symbolic link"):
        await host.up(host.file("way/motd", "ours"))
    assert list((host.root / "elsewhere").iterdir()) == []


async def test_a_removed_file_that_became_a_link_leaves_the_link(host):
    await host.up(host.file("motd", "ours"))
    (host.root / "motd").unlink()
    (host.root / "motd").symlink_to("/etc/hostname")
    await host.up()
    assert (host.root / "motd").is_symlink()


@pytest.mark.parametrize("name", ["a b", "ü ' \" $x `id` *?", "-rf", "a%sb", "entry"])
async def test_names_reach_the_host_as_data(host, name):
    await host.up(host.file(f"dir {name}/{name}", "x"))
    assert (host.root / f"dir {name}" / name).read_text() == "x"
    assert await host.up(host.file(f"dir {name}/{name}", "x")) == []
    await host.up()
    assert contents(host.root) == {}


async def test_a_secret_is_kept_on_the_host_as_a_fingerprint_only(host):
    await host.up(host.file("key", Secret("planted-secret"), mode=0o644))
    assert (host.root / "key").read_text() == "planted-secret"
    kept = b"".join(path.read_bytes() for path in host.data_dir.rglob("*") if path.is_file())
    assert b"planted" not in kept
    assert await host.up(host.file("key", Secret("planted-secret"), mode=0o644)) == []
    (step,) = await host.plan(host.file("key", Secret("planted-other"), mode=0o644))
    assert "planted" not in repr(step)
    assert step.reason == "content changed"


async def test_only_text_that_everyone_may_read_is_shown(host):
    (host.root / "private").write_text("planted")
    (host.root / "private").chmod(0o600)
    (host.root / "binary").write_bytes(b"\0planted")
    (host.root / "long").write_text("planted" * 10_000)
    for name in ("private", "binary", "long"):
        (step,) = await host.plan(host.file(name, "ours"))
        assert "planted" not in repr(step), name


async def test_an_unknown_owner_is_a_sentence_and_nothing_changes(host):
    await host.up(host.file("motd", "old"))
    with pytest.raises(ApplyError, match="nobody-of-that-name"):
        await host.up(host.file("motd", "new", owner="nobody-of-that-name"))
    assert (host.root / "motd").read_text() == "old"
    assert [path.name for path in host.root.iterdir()] == ["motd"]


async def test_a_hundred_megabytes_arrive_whole(host):
    content = bytes(range(256)) * (100 * 4096)
    await host.up(host.file("large", content))
    assert (host.root / "large").stat().st_size == 100 * 1024 * 1024
    assert await host.up(host.file("large", content)) == []


async def test_a_broken_stream_never_replaces_a_file(host):
    """A connection that ends early looks like the end of the content to the host."""
    await host.up(host.file("motd", "old"))

    class HalfSession(type(host.session)):
        async def run(self, argv, *, stdin=b"", sudo=False, timeout=60.0):
            return await super().run(argv, stdin=stdin[: len(stdin) // 2], sudo=sudo, timeout=timeout)

    (step,) = await host.plan(host.file("motd", "new content"))
    with pytest.raises(ApplyError, match="did not arrive as a whole"):
        await host.provider.apply(step, _applying(host, HalfSession(host.session.host)))
    assert (host.root / "motd").read_text() == "old"


async def test_many_files_at_once(host):
    files = [host.file(f"many/{number}", f"{number}\n") for number in range(60)]
    steps = await host.plan(*files)
    await asyncio.gather(*(host.provider.apply(step, _applying(host)) for step in steps))
    assert await host.up(*files) == []
    steps = await host.plan()
    await asyncio.gather(*(host.provider.apply(step, _applying(host)) for step in steps))
    assert contents(host.root) == {}
    assert list(host.data_dir.iterdir()) == []


async def test_a_thousand_long_paths_are_looked_at(host):
    files = [host.file(f"{'x' * 200}-{number}", "1") for number in range(1000)]
    assert {step.verb for step in await host.plan(*files)} == {Verb.CREATE}


async def test_unreadable_entries_are_an_error_and_not_an_empty_host(host):
    await host.up(host.file("motd", "x"))
    (entry,) = host.data_dir.rglob("*.entry")
    entry.write_text("/x\nnonsense\n")
    with pytest.raises(Exception, match="is not readable"):
        await host.plan()


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 256 KiB."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=1k", "trellis-test", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


async def test_a_full_disk_leaves_the_old_file(full_disk, tmp_path, make_host):
    host = make_host(full_disk, tmp_path / "data")
    await host.up(host.file("motd", "old"))
    with pytest.raises(ApplyError, match=r"motd could not be written: No space left on device"):
        await host.up(host.file("motd", b"x" * 400_000))
    assert [(path.name, path.read_text()) for path in full_disk.iterdir()] == [("motd", "old")]
    assert await host.up(host.file("motd", "old")) == []


async def test_a_full_disk_under_trellis_own_folder_leaves_the_old_file(full_disk, tmp_path, make_host):
    (tmp_path / "root").mkdir()
    host = make_host(tmp_path / "root", full_disk / "data")
    await host.up(host.file("motd", "old"))
    filler = full_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 1024)
    with pytest.raises(ApplyError, match="No space left on device"):
        await host.up(host.file("motd", "new"))
    assert (host.root / "motd").read_text() == "old"
    filler.unlink()
    await host.up(host.file("motd", "new"))
    assert (host.root / "motd").read_text() == "new"


def _applying(host, session=None):
    return Applying(session or host.session, host.scope, print)
