"""Whatever stands where an argument should: a sentence with its place, never a traceback."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis.errors import TrellisError
from trellis.hosts import Host
from trellis.loading import load_stack
from trellis.testing.planning import plan

PROGRAM = """
from trellis import *
from trellis_haproxy import HAProxy
shop = Stack("shop")

@shop.service(image="db:1", cpu=1, memory="1 GiB", disk="1 GiB", network="1 Mbit/s", relocatable="coordinated",
    priority=3, stop_grace=5, user="0", labels={"a": "b"}, command=("x", "y"), health=command("pg_isready"),
    rollout=Rollout(start_first=False, batch=1, pause=0, drain=3, canary=0, watch=3))
class DB(Service):
    password = secret("a word")
    sql = listens(3306, balanced=balanced(13306, one_active=True))
    data = mounts("/var/lib/db")
    admin = allow_from("203.0.113.0/24", to=sql)

    @secret_file("/run/keys/k", mode=0o400)
    def key(self):
        return self.password

    @dynamic_file("/etc/db/db.conf", mode=0o644, owner="root", on_change="signal", signal="HUP")
    def conf(self):
        return "x"

    @update_from("1.*")
    def upgrade(self, update):
        update.run("a", "b")

    def env(self):
        return {"A": self.password}

@shop.service(image="web:1", memory="64 MiB")
class Web(Service):
    domain = default("shop.example", "a name")
    needed = required(str, "what")
    db = connects_to(DB.sql, on_change="restart", signal="HUP")
    http = listens(8080, health="/healthz", public=False, protocol="tcp", host_port=8081, tls=False)
    public = site(domain, http, path="/", tls=True, aliases=["www.shop.example"], sticky=True, timeout=30,
        requests_per_second=5, connections=3, maintenance=False)

@shop.service()
class Edge(HAProxy):
    pass

@shop.role(reserve_cpu=0.1, reserve_memory="1 MiB")
class Front(Role):
    data = Storage("1 GiB", backend="local", active=1)
    edge = runs(Edge, one_per_host)
    web = runs(Web, between(1, 3)).spread_over("rack").on_hosts_where(docker=">=20")
    db = runs(DB, one_per_role, data=data)
    limits = initial_file("/etc/limits", "limits", mode=0o600, keep_mode=True)
    motd = static_file("/etc/motd", "motd", mode=0o644, owner="root", group="root")
    settings = template_file("/etc/settings", "settings.j2", mode=0o644)
"""
ODD = (
    "None",
    "-1",
    "''",
    "'x y'",
    "[]",
    "{}",
    "object()",
    "True",
    "float('nan')",
    "lambda: 1",
    "Web",
    "b'x'",
    "10**30",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("limits", "motd", "settings.j2"):
        (tmp_path / name).write_text("{{ host.name }}")
    return tmp_path


def planned(folder: Path, program: str) -> None:
    (folder / "stack.py").write_text(program)
    hosts = [Host("a", roles=("front",), address="10.0.0.1")]
    secrets, config = {"DB.password": "w"}, {"Web.needed": "x"}
    plan(load_stack(folder / "stack.py"), hosts, secrets=secrets, config=config, root=folder)


def spots(tree: ast.AST) -> Iterator[tuple[str, ast.AST, str, int]]:
    """Each argument and each returned value: what it is called, and where it hangs."""
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                word = ast.unparse(node.func).rpartition(".")[2]
                yield from ((word, node, "args", number) for number in range(len(node.args)))
                yield from ((f"{word} {word_.arg}", word_, "value", -1) for word_ in node.keywords)
            case ast.Return():
                yield "return", node, "value", -1


def programs(odd: str) -> Iterator[tuple[str, str]]:
    """The program with each of its arguments in turn replaced."""
    tree = ast.parse(PROGRAM)
    for name, node, field, number in spots(tree):
        place = getattr(node, field)
        kept = place[number] if number >= 0 else place
        _put(node, field, number, ast.parse(odd, mode="eval").body)
        yield f"{name} <- {odd}", ast.unparse(ast.fix_missing_locations(tree))
        _put(node, field, number, kept)


def _put(node: ast.AST, field: str, number: int, value: ast.AST) -> None:
    if number >= 0:
        getattr(node, field)[number] = value
    else:
        setattr(node, field, value)


def test_the_program_itself_is_planned(folder: Path) -> None:
    planned(folder, PROGRAM)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_argument_is_taken_or_refused_with_a_sentence(folder: Path, odd: str) -> None:
    raw = []
    for name, program in programs(odd):
        try:
            planned(folder, program)
        except TrellisError as error:
            if "TypeError" in error.what or "AttributeError" in error.what or "is broken" in error.what:
                raw.append(f"{name}: {error.what}")
        except Exception as error:  # noqa: BLE001 - what must not be
            raw.append(f"{name}: {error!r}")
    assert raw == []
