"""Declared files are checked before any host is asked."""

from pathlib import Path

import pytest

from trellis.errors import StackError
from trellis.evaluating import evaluate
from trellis_dsl.files import File, secret_file, static_file, static_folder
from trellis_dsl.policies import one_per_host, runs
from trellis_dsl.service import Role, Service
from trellis_dsl.stack import Stack


def evaluated(root: Path, *, role: dict[str, File] | None = None, service: dict[str, File] | None = None):
    stack = Stack("shop")
    web = stack.service(image="web:1")(type("Web", (Service,), _named(service or {})))
    stack.role(type("Front", (Role,), {"web": runs(web, one_per_host), **_named(role or {})}))
    return evaluate(stack, root)


def _named(files: dict[str, File]) -> dict[str, File]:
    return dict(files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("a")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("x")
    return tmp_path


def render(_: object) -> str:
    return ""


def refused(root: Path, **declared: dict[str, File]) -> str:
    with pytest.raises(StackError) as failure:
        evaluated(root, **declared)
    return failure.value.what


def test_a_secret_file_of_a_role_lies_below_run(root):
    assert refused(root, role={"key": secret_file("/etc/shop/key")(render)}) == (
        "/etc/shop/key would be on the host's disk, and a secret file is only ever in memory"
    )
    files = evaluated(root, role={"key": secret_file("/run/shop/key")(render)}).role("Front").files
    assert [(file.kind, file.mode) for file in files] == [("secret", 0o400)]
    files = evaluated(root, service={"key": secret_file("/etc/shop/key")(render)}).service("Web").files
    assert [(file.kind, file.mode) for file in files] == [("secret", 0o444)]


def test_nobody_can_be_signalled_about_a_role_s_file(root):
    assert "nobody to signal" in refused(root, role={"one": static_file("/etc/a", "a", on_change="signal")})


@pytest.mark.parametrize("path", ["/a", "/etc/a", "/usr/a", "/proc/self/a", "/run/secrets/a"])
def test_a_signalled_file_needs_a_folder_of_its_own(root, path):
    assert "mounted as a whole" in refused(root, service={"one": static_file(path, "a", on_change="signal")})


def test_nothing_lies_inside_a_folder_that_is_mounted_as_a_whole(root):
    inside = {"one": static_file("/etc/shop/a", "a", on_change="signal"), "two": static_file("/etc/shop/deep/a", "a")}
    assert refused(root, service=inside) == "Web.two lies below /etc/shop, which is mounted as a whole"
    beside = {"one": static_file("/etc/shop/a", "a", on_change="signal"), "two": static_file("/etc/shop/b", "a")}
    assert len(evaluated(root, service=beside).service("Web").files) == 2
    folder = {"one": static_folder("/srv/site", "pages"), "two": static_file("/srv/site/b", "a")}
    assert refused(root, service=folder) == "Web.two lies below /srv/site, which is mounted as a whole"


def test_signals_and_changes_have_names(root):
    assert refused(root, service={"one": static_file("/o/x/a", "a", signal="HOP")}) == "there is no signal HOP"
    with pytest.raises(StackError, match="on_change is 'reboot', not 'restart' or 'signal' or 'nothing'"):
        static_file("/o/x/a", "a", on_change="reboot")  # type: ignore[arg-type]  # what mypy would say


def test_a_folder_s_digest_tells_contents_names_and_whether_it_can_be_run(root):
    def digest() -> str:
        return evaluated(root, service={"one": static_folder("/srv/site", "pages")}).service("Web").files[0].sha256

    seen = {digest()}
    (root / "pages" / "index.html").chmod(0o755)
    seen.add(digest())
    (root / "pages" / "more").mkdir()
    (root / "pages" / "more" / "x").write_text("")
    seen.add(digest())
    (root / "pages" / "more" / "x").write_text("y")
    seen.add(digest())
    assert len(seen) == 4


def test_links_in_a_folder_and_folders_outside_are_refused(root, tmp_path_factory):
    (root / "pages" / "link").symlink_to("/etc/passwd")
    assert "is a symbolic link" in refused(root, service={"one": static_folder("/srv/site", "pages")})
    other = tmp_path_factory.mktemp("other")
    (root / "elsewhere").symlink_to(other)
    assert "lies outside" in refused(root, service={"one": static_folder("/srv/site", "elsewhere")})
    assert "there is no folder a" in refused(root, service={"one": static_folder("/srv/site", "a")})
