"""What the author of a method is told when it fails for an instance."""

from pathlib import Path

import pytest

from trellis.errors import StackError
from trellis.hosts import Host
from trellis.loading import load_stack
from trellis.testing.planning import plan

PROGRAM = """
from trellis import *
shop = Stack("shop")

@shop.service(image="web:1")
class Web(Service):
    word = secret("a password")

    def env(self):
        return BODY

@shop.role
class Front(Role):
    web = runs(Web, exactly(1))
"""


def refusal(folder: Path, body: str) -> StackError:
    (folder / "stack.py").write_text(PROGRAM.replace("BODY", body))
    stack = load_stack(folder / "stack.py")
    with pytest.raises(StackError) as caught:
        plan(stack, [Host("a", roles=("front",))], secrets={"Web.word": "planted-word"}, root=folder)
    return caught.value


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ('{"A": self.wrod}', "Web.env failed: AttributeError: 'Web' object has no attribute 'wrod'", 10),
        ("{nothing: 1}", "Web.env failed: NameError: name 'nothing' is not defined", 10),
        ("{int(self.word.reveal()): 1}", "Web.env failed with ValueError", 10),
        ("{}[self.word.reveal()]", "Web.env failed with KeyError", 10),
        ("5", "Web.env returns int, not a dictionary of texts", 5),
        ('{"A": 5}', "Web.env gives A int, not text", 5),
    ],
)
def test_a_failing_method_is_told_with_its_line_and_without_what_it_was_given(
    tmp_path: Path, body: str, what: str, line: int
) -> None:
    error = refusal(tmp_path, body)
    assert (error.what, str(error.where)) == (what, f"stack.py:{line}")
    assert "planted-word" not in str(error)
