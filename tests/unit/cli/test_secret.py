import json

from trellis.environments.project import find_project
from trellis.environments.secrets import load_secrets


def value(project):
    return load_secrets(find_project(project), "dev")["Website.password"].reveal()


def test_a_secret_comes_from_standard_input_without_its_line_end(trellis, project):
    code, out, err = trellis("secret", "set", "Website.password", stdin="hunter2\n")
    assert (code, out, err) == (0, "", "set Website.password in dev\n")
    assert value(project) == "hunter2"
    assert "hunter2" not in (project / "environments" / "dev.secrets.yaml").read_text()


def test_a_secret_comes_from_a_file(trellis, project, tmp_path):
    (tmp_path / "password").write_text("two\nlines\n")
    assert trellis("secret", "set", "Website.password", "--from-file", str(tmp_path / "password"))[0] == 0
    assert value(project) == "two\nlines"


def test_generated_secrets_are_long_differ_and_are_not_shown(trellis, project):
    _, out, err = trellis("secret", "set", "Website.password", "--generate")
    first = value(project)
    trellis("secret", "set", "Website.password", "--generate")
    assert len(first) == 43
    assert first not in out + err
    assert value(project) != first


def test_a_value_as_an_argument_is_refused_and_not_repeated(trellis, project):
    code, out, err = trellis("secret", "set", "Website.password", "hunter2")
    assert code == 2
    assert "hunter2" not in out + err
    assert not (project / "environments" / "dev.secrets.yaml").exists()


def test_an_empty_secret_is_refused(trellis):
    assert trellis("secret", "set", "Website.password", stdin="")[0] == 2


def test_listing_shows_keys_only_and_removing_removes(trellis):
    trellis("secret", "set", "Website.password", stdin="hunter2")
    assert json.loads(trellis("secret", "list", "--json")[1]) == {
        "schema_version": 1,
        "environment": "dev",
        "secrets": ["Website.password"],
    }
    assert trellis("secret", "remove", "Website.password")[0] == 0
    assert trellis("secret", "list") == (0, "", "no secret is set in dev\n")
    assert trellis("secret", "remove", "Website.password")[0] == 2
