"""This machine as a host, with a folder that stands for its file system."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from trellis.hosts import Host
from trellis.plans import Step
from trellis.plugin.contracts import Scope
from trellis.resources import Owner, Resource, ResourceKey
from trellis.testing import Keeping
from trellis.values import freeze_mapping
from trellis_dsl.secret import Secret
from trellis_files.provider import FileProvider
from trellis_local.session import LocalSession

SALT = b"salt of the environment"


@dataclass
class FilesHost:
    """What `trellis up` does to one host's files, in short: observe, decide, apply."""

    root: Path
    data_dir: Path

    def __post_init__(self) -> None:
        self.session = LocalSession(Host("here"))
        self.provider = FileProvider()
        self.scope = Scope("shop", "dev", salt=SALT, data_dir=str(self.data_dir))

    def file(self, name: str, content: str | bytes | Secret, **spec: object) -> Resource:
        raw = content.encode() if isinstance(content, str) else content
        value = raw if isinstance(raw, Secret) else base64.b64encode(raw).decode()
        path = str(self.root / name)
        whole = {"path": path, "kind": "static", "content": value, "mode": 0o644, "owner": "", "group": ""} | spec
        return Resource(ResourceKey("file", path, self.session.host.name), freeze_mapping(whole), Owner("Web"))

    async def plan(self, *desired: Resource) -> list[Step]:
        return await Keeping(self.provider, self.session, self.scope, print).plan(*desired)

    async def up(self, *desired: Resource) -> list[Step]:
        """The steps that did something."""
        return await Keeping(self.provider, self.session, self.scope, print).up(*desired)


@pytest.fixture
def host(tmp_path: Path) -> FilesHost:
    (tmp_path / "root").mkdir()
    return FilesHost(tmp_path / "root", tmp_path / "data")


@pytest.fixture
def make_host() -> Callable[[Path, Path], FilesHost]:
    return FilesHost
