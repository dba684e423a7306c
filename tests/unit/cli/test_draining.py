from pathlib import Path

import pytest


def file(project: Path) -> str:
    return (project / "environments" / "dev.yaml").read_text()


def test_draining_a_host_is_written_with_comments_kept_and_taken_back(trellis, project):
    before = file(project)
    assert trellis("host", "drain", "here")[2] == "here is draining; next: trellis up -e dev\n"
    assert file(project) == before.replace("roles: [Web]}  #", "roles: [Web], draining: true} #")
    assert trellis("host", "drain", "here")[2] == "here is draining already\n"
    assert "draining" in trellis("host", "list")[1]
    assert trellis("host", "undrain", "here")[0] == 0
    assert file(project).split() == before.split()  # the column of a comment is the writer's
    assert trellis("host", "undrain", "here")[2] == "here is not draining\n"


@pytest.mark.parametrize("command", ["drain", "undrain", "retire"])
def test_a_host_that_is_not_there_is_told(trellis, project, command):
    before = file(project)
    code, _, err = trellis("host", command, "her", *(["--yes"] if command == "retire" else []))
    assert code == 2
    assert "there is no host her" in err
    assert file(project) == before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('draining: "yes"', "hosts.here.draining: must be true or false"),
        ('capacity: {memory: "lots"}', "hosts.here.capacity.memory: 'lots' is not an amount"),
        ("capacity: {cpu: -1}", "hosts.here.capacity.cpu: -1 is less than nothing"),
        ("capacity: {network: -5}", "hosts.here.capacity.network: -5 is less than nothing"),
        ("capacity: {disk: .nan}", "hosts.here.capacity.disk: not an amount"),
        ("capacity: {cpu: .inf}", "hosts.here.capacity.cpu: not an amount"),
        ("capacity: {wheels: 4}", "hosts.here.capacity.wheels: unknown key"),
    ],
)
def test_bad_values_of_a_host_are_refused_with_their_place(trellis, project, entry, said):
    (project / "environments" / "dev.yaml").write_text(f"hosts:\n  here: {{{entry}}}\n")
    code, _, err = trellis("host", "list")
    assert code == 2
    assert said in err.replace("\n  at: ", " ") or all(part in err for part in said.split(": ", 1))


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        ("{seconds: 0}", "must be a number of seconds"),
        ("{seconds: soon}", "must be a number of seconds"),
        ("{solvr: cpsat}", "unknown key; did you mean solver?"),
    ],
)
def test_bad_settings_of_the_solver_are_refused(trellis, project, placement, said):
    (project / "trellis.yaml").write_text(f"default_environment: dev\nplacement: {placement}\n")
    code, _, err = trellis("host", "list")
    assert code == 2
    assert said in err
