import json


def test_a_value_is_set_by_its_declared_type_and_comments_stay(trellis, project):
    assert trellis("config", "set", "Website.workers", "8")[0] == 0
    assert trellis("config", "set", "Website.names", "a.example,b.example")[0] == 0
    written = (project / "environments" / "dev.yaml").read_text()
    assert written.startswith("# ours\n")
    assert "# this machine" in written
    listed = json.loads(trellis("config", "list", "--json")[1])
    assert listed["schema_version"] == 1
    assert {entry["key"]: (entry["value"], entry["from"]) for entry in listed["config"]} == {
        "Website.names": (["a.example", "b.example"], "environment"),
        "Website.password": (None, "missing"),
        "Website.workers": (8, "environment"),
    }


def test_a_value_of_another_type_is_refused_and_nothing_written(trellis, project):
    before = (project / "environments" / "dev.yaml").read_text()
    code, out, err = trellis("config", "set", "Website.workers", "many")
    assert (code, out) == (2, "")
    assert "Website.workers must be a whole number, not 'many'" in err
    assert (project / "environments" / "dev.yaml").read_text() == before


def test_a_mistyped_key_is_told_the_nearest(trellis):
    code, _, err = trellis("config", "set", "Website.worker", "8")
    assert code == 2
    assert "no config value Website.worker; did you mean Website.workers?" in err


def test_a_secret_is_not_set_as_config(trellis, project):
    code, _, err = trellis("config", "set", "Website.password", "hunter2")
    assert code == 2
    assert "hunter2" not in err
    assert "hunter2" not in (project / "environments" / "dev.yaml").read_text()


def test_get_prints_the_value_alone_and_unset_brings_the_default_back(trellis):
    trellis("config", "set", "Website.workers", "8")
    assert trellis("config", "get", "Website.workers")[1] == "8\n"
    assert trellis("config", "unset", "Website.workers")[0] == 0
    assert trellis("config", "get", "Website.workers")[1] == "4\n"
    assert trellis("config", "get", "Website.names")[0] == 2


def test_an_environment_that_is_not_there_ends_with_6(trellis):
    assert trellis("config", "set", "Website.workers", "8", "-e", "prod")[0] == 6
