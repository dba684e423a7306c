import pytest

from trellis.environments.config import parse_value
from trellis.errors import ConfigError
from trellis_dsl.secret import Secret

WHERE = "environments/prod.yaml: config.Website.x"


@pytest.mark.parametrize(
    ("value", "type_name", "expected"),
    [
        ("16", "str", "16"),
        ("", "str", ""),
        ("16", "int", 16),
        ("-3", "int", -3),
        (16, "int", 16),
        ("1.5", "float", 1.5),
        (2, "float", 2.0),
        ("true", "bool", True),
        ("False", "bool", False),
        (True, "bool", True),
        ("a, b", "list[str]", ("a", "b")),
        ("", "list[str]", ()),
        (["a"], "list[str]", ("a",)),
        ((), "list[str]", ()),
        ("k=v,l=w=x", "dict[str, str]", {"k": "v", "l": "w=x"}),
        ("", "dict[str, str]", {}),
        ({"k": "v"}, "dict[str, str]", {"k": "v"}),
    ],
)
def test_a_value_is_brought_to_its_type(value: object, type_name: str, expected: object) -> None:
    parsed = parse_value(value, type_name, "Website.x", WHERE)
    assert parsed == expected
    assert type(parsed) is type(expected) or isinstance(expected, dict)


TEXT = "text (put it in quotes)"
LIST = "a list of texts, like a,b"
MAPPING = "a mapping of text to text, like k=v,l=w"


@pytest.mark.parametrize(
    ("value", "type_name", "message"),
    [
        (16, "str", f"{TEXT}, not 16"),
        (True, "str", f"{TEXT}, not true"),
        ("many", "int", "a whole number, not 'many'"),
        ("1_000", "int", "a whole number, not '1_000'"),
        ("١٦", "int", "a whole number, not '١٦'"),
        (1.5, "int", "a whole number, not 1.5"),
        (True, "int", "a whole number, not true"),
        ("nan", "float", "a number, not 'nan'"),
        (float("inf"), "float", "a number, not inf"),
        (True, "float", "a number, not true"),
        ("yes", "bool", "true or false, not 'yes'"),
        (1, "bool", "true or false, not 1"),
        ([1], "list[str]", f"{LIST}, not [1]"),
        (0, "list[str]", f"{LIST}, not 0"),
        ("k", "dict[str, str]", f"{MAPPING}, not 'k'"),
        ("k=v,k=w", "dict[str, str]", f"{MAPPING}, not 'k=v,k=w'"),
        ({"k": 1}, "dict[str, str]", f"{MAPPING}, not {{'k': 1}}"),
        (None, "str", f"{TEXT}, not None"),
        ("9" * 5000, "int", f"a whole number, not '{'9' * 56}..."),
        ("9" * 400, "float", f"a number, not '{'9' * 56}..."),
        ("x" * 100, "int", f"a whole number, not '{'x' * 56}..."),
    ],
)
def test_a_value_of_another_type_is_refused(value: object, type_name: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_value(value, type_name, "Website.x", WHERE)
    assert str(refused.value) == f"{WHERE}: Website.x must be {message}"


def test_a_secret_passes_and_its_clear_text_does_not() -> None:
    assert parse_value(Secret("v"), "secret", "Website.x", WHERE) == Secret("v")
    with pytest.raises(ConfigError) as refused:
        parse_value("hunter2", "secret", "Website.x", WHERE)
    assert str(refused.value) == f"{WHERE}: Website.x is a secret: it must not stand in clear text"
    assert refused.value.hint == "trellis secret set Website.x, and remove it here"


def test_a_secret_for_another_type_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_value(Secret("hunter2"), "int", "Website.x", WHERE)
    assert str(refused.value) == f"{WHERE}: Website.x is a whole number, not a secret"


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="complex is not a type of config values"):
        parse_value("1", "complex", "Website.x", WHERE)
