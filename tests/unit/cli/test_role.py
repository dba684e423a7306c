import json


def test_roles_are_given_once_and_taken_once(trellis):
    trellis("host", "add", "ny1", "--connect", "ssh://10.0.0.11")
    assert trellis("role", "add", "Web", "here", "ny1") == (0, "", "here carries Web already\nny1 now carries Web\n")
    assert json.loads(trellis("role", "list", "--json")[1])["roles"] == [{"name": "Web", "hosts": ["here", "ny1"]}]
    assert trellis("role", "remove", "Web", "here")[2] == "here no longer carries Web\n"
    assert trellis("role", "remove", "Web", "here")[2] == "here does not carry Web\n"
    assert trellis("role", "list")[1] == "ROLE  HOSTS\nWeb   ny1\n"


def test_a_role_for_a_host_that_is_not_there_is_refused(trellis):
    assert trellis("role", "add", "Web", "nowhere")[0] == 2
