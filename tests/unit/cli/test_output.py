import json

import pytest

from trellis.cli.output import confirm, emit_json, table
from trellis.errors import UsageError
from trellis_dsl import Secret


def test_a_table_has_aligned_columns_and_no_trailing_space(capsys: pytest.CaptureFixture[str]) -> None:
    table(("host", "state"), [("ny1", "ready"), ("london2", "gone\nfor good")])
    assert capsys.readouterr().out == "HOST     STATE\nny1      ready\nlondon2  gone for good\n"


def test_a_table_without_rows_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table(("host",), [])
    assert capsys.readouterr().out == ""


def test_json_names_its_version_and_masks_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"password": Secret("hunter2")})
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "password": "•••"}


def test_without_anybody_to_ask_a_question_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a confirmation: Remove all") as raised:
        confirm("Remove all?", no_input=True)
    assert raised.value.exit_code == 2
    confirm("Remove all?", yes=True, no_input=True)
