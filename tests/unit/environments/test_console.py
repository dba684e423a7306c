from collections.abc import Callable
from pathlib import Path

import pytest

from trellis.environments.loading import load_environment
from trellis.environments.model import ConsoleAccess
from trellis.environments.project import Project
from trellis.errors import ConfigError

Writer = Callable[[str, str], Path]
UPSTREAM = "pulls_from: test\nupstream: https://console.example:8443\n"


def test_a_console_is_reached_with_files_of_the_project_or_of_the_operator(
    project: Project, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    write("prod", f"{UPSTREAM}console: {{authority: environments/trust/root.pem, certificate: ~/prod.pem}}\n")
    access = load_environment(project, "prod").console
    assert access == ConsoleAccess(project.root / "environments/trust/root.pem", Path("/home/me/prod.pem"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{UPSTREAM}console: {{authority: root.pem}}\n", "console.certificate: must name a file"),
        (f"{UPSTREAM}console: root.pem\n", "console: must be a mapping"),
        (f"{UPSTREAM}console: {{autority: a, certificate: b}}\n", "did you mean authority?"),
        (
            "pulls_from: test\nupstream: ssh://git@x/shop\nconsole: {authority: a, certificate: b}\n",
            "console: needs an upstream that starts with https://",
        ),
        ("console: {authority: a, certificate: b}\n", "console: needs an upstream that starts with https://"),
    ],
)
def test_what_cannot_be_meant_is_refused(project: Project, write: Writer, text: str, problem: str) -> None:
    write("test", "")
    write("prod", text)
    with pytest.raises(ConfigError, match=r"environments/prod\.yaml") as refused:
        load_environment(project, "prod")
    assert problem in (f"{refused.value.where}: {refused.value.what}" if refused.value.where else refused.value.what)
