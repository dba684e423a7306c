import json


def test_this_machine_is_scanned_and_the_answer_kept(trellis):
    code, out, _ = trellis("scan", "--json")
    (host,) = json.loads(out)["hosts"]
    assert (code, host["name"], host["reachable"]) == (0, "here", True)
    kept = json.loads(trellis("host", "list", "--json")[1])["hosts"]
    assert kept[0]["scan"] == {**host, "facts": kept[0]["scan"]["facts"]}


def test_a_host_that_does_not_answer_ends_with_11(trellis):
    trellis("host", "add", "gone", "--connect", "ssh://127.0.0.1:1")
    code, out, err = trellis("scan", "--host", "gone")
    assert code == 11
    assert "unreachable" in out
    assert "1 of 1 hosts could not be asked: gone" in err
