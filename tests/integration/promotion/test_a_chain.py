"""dev → test → prod on this machine: each environment keeps one file, whose text follows the stack."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_project import Chain, made, released

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("chain") / "one"
    folder.mkdir()
    chain = released(made(folder))
    yield folder
    for name in ("dev", "test", "prod"):
        chain("destroy", "-e", name, "--yes")


@pytest.fixture
def chain(template: Path) -> Chain:
    """The template's folder itself, as it was: hosts' paths are in the program."""
    kept = template.with_name("kept")
    if not kept.exists():
        shutil.copytree(template, kept)
    shutil.rmtree(template)
    shutil.copytree(kept, template)
    return Chain(template / "my shop")


def said(chain: Chain) -> str:
    return (chain.root.parent / "hosts" / "motd").read_text()


def test_exactly_the_released_changes_end_in_every_environment(chain: Chain) -> None:
    assert said(chain) == "hi from dev in lab\n"
    told = chain("pull", "7.2", "-e", "test", "--yes", code=2)
    assert "test lacks Web.region; nothing was merged" in told
    assert "try: --set Web.region=VALUE" in told
    assert chain.git("for-each-ref", "refs/heads/env/test") == ""
    document = json.loads(chain.out("promote", "7.2", "-e", "test", "--yes", "--set", "Web.region=eu", "--json"))
    assert (document["environment"], document["release"], document["moved"]) == ("test", "7.2", True)
    assert (document["needed"], document["given"], document["applied"]) == (["Web.region"], ["Web.region"], True)
    assert document["commit"] == chain.git("rev-parse", "env/test")
    assert document["plan"]["summary"]["create"] + document["plan"]["summary"]["update"] == 1
    again = json.loads(chain.out("promote", "7.2", "-e", "test", "--yes", "--json"))
    assert (again["moved"], again["commit"], again["applied"]) == (False, "", True)
    assert said(chain) == "hi from test in eu\n"
    assert "Web.region: eu" in (chain.root / "environments" / "test.yaml").read_text()
    told = chain("promote", "7.2", "-e", "prod", "--yes", "--set", "Web.region=us", code=5)
    assert "prod pulls from test, which has not published greet, region" in told
    record = json.loads(chain.out("publish", "7.2", "-e", "test", "--json"))
    assert (record["schema_version"], record["kind"], record["release"], record["serial"]) == (1, "published", "7.2", 1)
    pulled = json.loads(chain.out("pull", "7.2", "-e", "prod", "--yes", "--set", "Web.region=us", "--json"))
    assert [change["name"] for change in pulled["changes"]] == ["greet", "region"]
    chain("promote", "7.2", "-e", "prod", "--yes", "--set", "Web.region=us")
    assert said(chain) == "hi from prod in us\n"
    rows = {line.split()[0]: line.split()[1:4] for line in chain("change", "list").splitlines()[1:]}
    assert rows == {
        "greet": ["applied", "applied", "applied"],
        "later": ["applied", "pending", "pending"],
        "region": ["applied", "applied", "applied"],
    }
    assert "only dev has: later" in chain("diff", "dev", "prod")
    assert "promote 7.2 -e prod" in chain("history", "-e", "prod")
    assert chain.git("status", "--porcelain", "--", "stack.py", "overrides.yaml") == ""


def test_the_chain_is_overruled_only_with_the_name_and_a_reason(chain: Chain) -> None:
    pull = ("pull", "7.2", "-e", "prod", "--yes", "--set", "Web.region=us", "--override-chain")
    assert "the environment's name is typed: prod" in chain(*pull, "--confirm", "test", "--reason", "fire", code=2)
    assert "needs a reason" in chain(*pull, "--confirm", "prod", code=2)
    chain(*pull, "--confirm", "prod", "--reason", "the shop is down")
    assert "the shop is down" in chain("history", "1", code=0) + chain("history", str(_runs(chain)))
    told = chain("status", "-e", "prod")
    assert "! prod runs greet, which test never did; overruled: the shop is down" in told
    assert "has pulled nothing yet" in chain("up", "-e", "test", "--yes", code=5)
    assert "has not published the working tree" in chain("up", "-e", "prod", "--working-tree", "--yes", code=5)


def _runs(chain: Chain) -> int:
    return int(chain("history", "-e", "prod", "--limit", "1").splitlines()[1].split()[0])


def test_a_release_that_is_not_well_loses_its_publication(chain: Chain) -> None:
    (chain.root.parent / "hosts" / "motd").write_text("changed by hand\n")
    assert "1 changes are pending" in chain("publish", "7.2", "-e", "dev", code=5)
    assert "has not published" in chain("pull", "7.2", "-e", "test", "--yes", code=5)


def test_taking_a_change_back_withdraws_what_holds_it(chain: Chain) -> None:
    told = chain("change", "revert", "greet", "-e", "dev", "--yes", "--json")
    assert "dev withdrew 7.2: dev took greet back" in told
    document, _ = json.JSONDecoder().raw_decode(told)
    assert (document["environment"], document["change"], document["moved"]) == ("dev", "greet", True)
    assert [item["subject"] for item in document["differences"]] == ["Web.greeting"]
    again = json.loads(chain.out("change", "apply", "region", "-e", "dev", "--yes", "--json"))
    assert (again["moved"], again["differences"]) == (False, [])
    chain("up", "-e", "dev", "--yes")
    assert said(chain) == "hello from dev in lab\n"
    assert "has not published" in chain("pull", "7.2", "-e", "test", "--yes", code=5)


def test_another_repository_is_pulled_from_by_its_url(chain: Chain, tmp_path: Path) -> None:
    bare = tmp_path / "non prod.git"
    chain.git("init", "-q", "--bare", str(bare))
    chain.git(
        "push",
        "-q",
        str(bare),
        "refs/heads/*:refs/heads/*",
        "refs/tags/*:refs/tags/*",
        "refs/trellis/published/*:refs/trellis/published/*",
    )
    root = tmp_path / "prod repository"
    chain.git("clone", "-q", "--single-branch", "--no-tags", "-b", "main", str(bare), str(root))
    prod = Chain(root)
    for name in ("dev", "test", "prod"):
        (root / "environments" / f"{name}.yaml").unlink()
    text = f'pulls_from: dev\nupstream: "{bare}"\nhosts: {{here: {{connect: "local://", roles: [Web]}}}}\n'
    (root / "environments" / "prod.yaml").write_text(text)
    pull = ("promote", "7.2", "-e", "prod", "--yes", "--set", "Web.region=us", "--set", "Web.place=there")
    assert "nobody is trusted to publish for dev" in prod(*pull, code=3)
    shutil.copytree(chain.root / "environments" / "trust", root / "environments" / "trust")
    prod(*pull)
    assert said(chain) == "hi from there in us\n"
    assert prod.git("rev-parse", "release/7.2") == chain.git("rev-parse", "release/7.2")
    assert "applied" in prod("change", "list")


def test_killed_anywhere_the_repository_is_whole_and_the_next_run_converges(chain: Chain, template: Path) -> None:
    command = ("promote", "7.2", "-e", "test", "--yes", "--set", "Web.region=eu")
    program = [sys.executable, str(HERE / "killed_command.py")]
    kept = template.with_name("kept")
    ticks = int(chain.run([*program, "0"], *command).stdout.split()[-1])
    assert ticks >= 8
    for step in range(1, ticks + 1):
        shutil.rmtree(template)
        shutil.copytree(kept, template)
        before = chain.git("rev-parse", "env/dev", "main", "release/7.2", "HEAD")
        assert chain.run([*program, str(step)], *command).returncode == -9, step
        assert chain.git("fsck", "--no-dangling", "--connectivity-only") == ""
        assert chain.git("rev-parse", "env/dev", "main", "release/7.2", "HEAD") == before
        assert chain.git("status", "--porcelain", "--", "stack.py", "overrides.yaml") == ""
        chain(*command)
        assert said(chain) == "hi from test in eu\n", step
        assert chain.git("rev-parse", "env/test") == chain.git("rev-parse", "refs/trellis/decided/test")
