"""Templates are strict, sandboxed, and say the line where something is wrong."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from trellis.errors import StackError
from trellis.templates import check_template, render_template
from trellis_dsl.secret import Secret

KNOWN = frozenset({"service", "host"})


@pytest.fixture
def render(tmp_path: Path):
    def run(text: str, **service: object) -> str:
        (tmp_path / "t.j2").write_text(text)
        return render_template(tmp_path, "t.j2", {"service": SimpleNamespace(**service)})

    return run


def test_values_loops_and_line_ends(render):
    text = "workers = {{ service.workers }}\n{% for n in service.names %}- {{ n }}\n{% endfor %}"
    assert render(text, workers=4, names=["a", "<b>"]) == "workers = 4\n- a\n- <b>\n"


def test_what_is_not_defined_is_an_error_with_its_line(render):
    with pytest.raises(StackError) as failure:
        render("one\ntwo {{ service.workerz }}\n", workers=4)
    assert failure.value.where == "t.j2:2"
    assert "workerz" in failure.value.what


@pytest.mark.parametrize("text", ["{{ service.key }}", "{{ service.key | upper }}", "{{ 'x' ~ service.key }}"])
def test_a_secret_that_is_not_revealed_is_refused_and_never_dots(render, text):
    with pytest.raises(StackError, match="a secret would be written as dots"):
        render(text, key=Secret("pa55"))
    assert render("{{ service.key.reveal() }}", key=Secret("pa55")) == "pa55"


def test_a_template_cannot_leave_the_sandbox(render):
    with pytest.raises(StackError):
        render("{{ service.__class__.__mro__[1].__subclasses__() }}")


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("a\n{% if x %}\n", "Unexpected end of template", "t.j2:2"),
        ("{{ servise.workers }}", "the template uses servise, which is nothing", "t.j2"),
    ],
)
def test_mistakes_are_found_before_any_host_is_asked(tmp_path, text, what, where):
    (tmp_path / "t.j2").write_text(text)
    with pytest.raises(StackError) as failure:
        check_template(tmp_path, "t.j2", KNOWN)
    assert what in failure.value.what
    assert failure.value.where == where
