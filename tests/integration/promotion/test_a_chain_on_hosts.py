"""dev → test → prod on a lab: one host, one host, three hosts, the same roles; two of three changes make a release."""

import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chain_project import Chain
from running_console import ended, root_of, start

from trellis_lab import Lab

HOSTS = {"dev": ("h1",), "test": ("h2",), "prod": ("h3", "h4", "h5")}
STACK = """from trellis import Role, Service, Stack, at_least, listens, required, runs

shop = Stack("NAME")


@shop.service(image="trellis-test/echo:1", stop_grace=1)
class Website(Service):
    http = listens(8080, health="/healthz")

    def env(self):
        return {"INSTANCE": self.name}


@shop.role
class Web(Role):
    website = runs(Website, at_least(1).per_host)
"""


@pytest.fixture(scope="module")
def hosts(engine: None, built_images: Callable[..., None]) -> Iterator[Lab]:  # noqa: ARG001 - needed, not read
    built_images("trellis-test/echo")
    with Lab.up(5, name=f"chain-{uuid.uuid4().hex[:6]}", temporary=True) as lab:
        lab.load("trellis-test/echo:1", "trellis-test/echo:2")
        yield lab


@pytest.fixture(scope="module")
def chain(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    root = tmp_path_factory.mktemp("hosts") / "my shop"
    (root / "environments").mkdir(parents=True)
    (root / "stack.py").write_text(STACK.replace("NAME", f"chain-{uuid.uuid4().hex[:6]}"))
    (root / "trellis.yaml").write_text("default_environment: dev\n")
    (root / ".gitignore").write_text(".trellis/\n")
    for name, before in (("dev", ""), ("test", "dev"), ("prod", "test")):
        pulls = f"pulls_from: {before}\n" if before else ""
        (root / "environments" / f"{name}.yaml").write_text(pulls + described(hosts, name))
    made = Chain(root)
    made.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "An Operator"), ("user.email", "operator@example.org")):
        made.git("config", key, value)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "Start")
    yield made
    for name in HOSTS:
        made("destroy", "-e", name, "--yes")


def described(lab: Lab, environment: str) -> str:
    """The hosts of an environment, as its file has them."""
    known = lab.environment_hosts()
    return f"hosts: {json.dumps({name: {**known[name], 'roles': ['Web']} for name in HOSTS[environment]})}\n"  # type: ignore[dict-item]  # mappings


def runs(lab: Lab, environment: str, form: str = "{{.Config.Image}} {{.Config.Env}}") -> dict[str, list[str]]:
    """What the engine of each of an environment's hosts says of its containers."""
    found = {}
    for host in HOSTS[environment]:
        _, listed = lab.execute(host, "sh", "-c", f"docker inspect --format '{form}' $(docker ps -q)")
        found[host] = sorted(listed.splitlines())
    return found


def versions(lab: Lab, environment: str) -> dict[str, list[str]]:
    """Image and region of each container of an environment's hosts."""
    found = runs(lab, environment).items()
    return {
        host: [f"{line.split()[0]} {re.findall('REGION=([a-z]*)', line)}" for line in lines] for host, lines in found
    }


def edited(chain: Chain, name: str, *edits: tuple[str, str]) -> None:
    """A change-set that edits the program; the working tree is as it was afterwards."""
    chain("change", "start", name, "--title", f"Change {name}")
    stack = chain.root / "stack.py"
    text = changed = stack.read_text()
    for before, after in edits:
        assert before in changed
        changed = changed.replace(before, after)
    stack.write_text(changed)
    chain("change", "commit", name, "-m", f"Edit {name}")
    stack.write_text(text)


def states(chain: Chain) -> dict[str, list[str]]:
    changes = json.loads(chain.out("change", "list", "--json"))["changes"]
    return {row["name"]: [row["environments"][name]["state"] for name in HOSTS] for row in changes}


def test_exactly_the_released_changes_run_on_every_environments_hosts(hosts: Lab, chain: Chain) -> None:
    chain("up", "-e", "dev", "--yes")
    chain("change", "start", "bump", "--title", "Website 2")
    chain("set", "Website.image", "trellis-test/echo:2", "--change", "bump")
    declared = ("    http = ", '    region = required(str, "where on earth")\n    http = ')
    edited(chain, "region", declared, ('"INSTANCE": self.name', '"INSTANCE": self.name, "REGION": self.region'))
    chain("change", "start", "later", "--title", "Two on each host")
    chain("set", "Web.website.count", "at_least(2).per_host", "--change", "later")
    for name in ("bump", "region", "later"):
        chain("change", "apply", name, "-e", "dev", "--yes")
    chain("config", "set", "Website.region", "lab", "-e", "dev")
    chain("release", "create", "7.2", "--changes", "bump,region")
    chain("up", "-e", "dev", "--yes")
    assert versions(hosts, "dev") == {"h1": ["trellis-test/echo:2 ['lab']"] * 2}
    assert "2 instances healthy on 1 host" in chain("publish", "7.2", "-e", "dev")

    pull = ("promote", "7.2", "-e", "prod", "--yes")
    assert "prod pulls from test, which has not published bump, region" in chain(*pull, code=5)
    overrule = ("--override-chain", "--confirm", "prod", "--reason", "the shop is down")
    assert "prod lacks Website.region; nothing was merged" in chain(*pull, *overrule, code=2)
    assert chain.git("for-each-ref", "refs/heads/env/prod") == ""
    chain(*pull, *overrule, "--set", "Website.region=us")
    assert versions(hosts, "prod") == {key: ["trellis-test/echo:2 ['us']"] for key in HOSTS["prod"]}
    assert "! prod runs bump, which test never did; overruled: the shop is down" in chain("status", "-e", "prod")
    past = json.loads(chain.out("history", "-e", "prod", "--json"))["runs"]
    assert [run["reason"] for run in past if run["summary"].startswith("pulled 7.2")] == ["the shop is down"]

    chain("promote", "7.2", "-e", "test", "--yes", "--set", "Website.region=eu")
    assert "1 instance healthy on 1 host" in chain("publish", "7.2", "-e", "test")
    assert "prod has release 7.2 already" in chain(*pull)
    assert "never did" not in chain("status", "-e", "prod"), "test runs it by now"
    assert versions(hosts, "test") == {"h2": ["trellis-test/echo:2 ['eu']"]}
    assert versions(hosts, "prod") == {key: ["trellis-test/echo:2 ['us']"] for key in HOSTS["prod"]}
    assert states(chain) == {
        "bump": ["applied", "applied", "applied"],
        "later": ["applied", "pending", "pending"],
        "region": ["applied", "applied", "applied"],
    }


def test_prod_goes_on_from_a_repository_of_its_own_and_pulls_over_mutual_tls(
    hosts: Lab, chain: Chain, tmp_path: Path
) -> None:
    (tmp_path / "console.pem").write_text(root_of(chain, "test"))
    chain("cert", "issue", "--client", "prod", "--out", str(tmp_path / "prod.pem"), "-e", "test")
    console = start(chain, "test")
    try:
        prod = moved_out(chain, tmp_path, console.url)
        before = runs(hosts, "prod", "{{.Id}}")
        told = prod("promote", "7.2", "-e", "prod", "--yes")
        assert "No changes" in prod("up", "-e", "prod", "--yes"), told
        assert runs(hosts, "prod", "{{.Id}}") == before, "nothing was made anew"
        assert prod.git("rev-parse", "release/7.2") == chain.git("rev-parse", "release/7.2")
        assert console.said("gave test's publications to certificate prod")
        chain(
            "change",
            "apply",
            "later",
            "-e",
            "test",
            "--override-chain",
            "--confirm",
            "test",
            "--reason",
            "now",
            "--yes",
        )
        chain("up", "-e", "test", "--yes")
        chain("release", "create", "7.3", "--changes", "later")
        chain("publish", "7.3", "-e", "test")
        prod("promote", "7.3", "-e", "prod", "--yes")
        assert versions(hosts, "prod") == dict.fromkeys(HOSTS["prod"], ["trellis-test/echo:2 ['us']"] * 2)
    finally:
        assert ended(console) == 0


def moved_out(chain: Chain, folder: Path, url: str) -> Chain:
    """Prod's data in a repository that shares main with non-prod's, and nothing else."""
    root = folder / "prods shop"
    chain.git("clone", "-q", "--single-branch", "--no-tags", "-b", "main", str(chain.root), str(root))
    shutil.copyfile(chain.root.parent / "key.txt", folder / "key.txt")
    prod = Chain(root)
    prod.git("remote", "remove", "origin")
    for name in ("dev", "test"):
        (root / "environments" / f"{name}.yaml").unlink()
    for file in (chain.root / "environments").glob("prod.*"):
        shutil.copyfile(file, root / "environments" / file.name)
    shutil.copytree(chain.root / "environments" / "trust", root / "environments" / "trust")
    with (root / "environments" / "prod.yaml").open("a") as file:
        file.write(
            f'upstream: {url}\nconsole: {{authority: "{folder}/console.pem", certificate: "{folder}/prod.pem"}}\n'
        )
    return prod
