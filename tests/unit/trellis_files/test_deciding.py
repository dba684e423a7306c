"""What a file's step does, and the sentence that it shows."""

import base64
import hashlib

import pytest

from trellis.errors import UsageError
from trellis.plans import Change, Verb
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_dsl.secret import Secret
from trellis_files.deciding import decide, drift, removal_leaves
from trellis_files.model import FoundFile, mark_of
from trellis_files.store import entry_of

SALT = b"salt of the environment"
KEY = ResourceKey("file", "/etc/motd", "ny1")
BACKUP = "/var/lib/trellis/shop/dev/files/x.before"


def desired(content: str | bytes | Secret = "hello\n", **spec: object) -> Resource:
    encoded = content
    if not isinstance(content, Secret):
        encoded = base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
    whole = {"path": "/etc/motd", "kind": "static", "content": encoded, "mode": 0o644, "owner": "", "group": ""} | spec
    return Resource(KEY, freeze_mapping(whole), Owner("Web"))


def found(content: str = "hello\n", last: Resource | None = None, **state: object) -> Actual:
    """A file with that content; `last` is what Trellis wrote there."""
    spec = entry_of(last, SALT, unfinished=False).spec if last else freeze_mapping({})
    secret = last is not None and isinstance(last.spec["content"], Secret)
    here = {
        "type": "file",
        "content": mark_of(hashlib.sha256(content.encode()).hexdigest(), SALT if secret else None),
        "text": None if secret else content,
        "mode": 0o644,
        "user": ("root", "0"),
        "group": ("root", "0"),
        "size": len(content.encode()),
        "account": ("root", "root"),
        "backup": BACKUP,
        "backed_up": False,
        "unfinished": False,
    }
    return Actual(KEY, spec, freeze_mapping(here | state))


def test_a_file_that_is_not_there_is_created():
    decision = decide(desired(), None, SALT)
    assert (decision.verb, decision.reason, decision.drift) == (Verb.CREATE, "new file", False)
    assert decision.changes == (Change("content", None, "hello\n"),)


def test_what_the_host_keeps_for_its_boot_follows_what_it_may():
    plain, kept = desired(Secret("x"), in_memory=True), desired(Secret("x"), in_memory=True, at_boot=True)
    cases = [
        (kept, found("x", plain), "kept encrypted for the host's boot", False),
        (plain, found("x", kept, for_boot=True), "no longer kept for the host's boot", False),
        (kept, found("x", kept, for_boot=False), "its copy for the host's boot was removed by hand, made again", True),
    ]
    for wanted, actual, reason, by_hand in cases:
        decision = decide(wanted, actual, SALT)
        assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, reason, by_hand)
    assert decide(kept, found("x", kept, for_boot=True), SALT).verb is Verb.KEEP
    assert drift(found("x", kept, for_boot=False)) == "copy for the boot changed by hand"


def test_an_equal_file_is_kept():
    decision = decide(desired(), found(last=desired()), SALT)
    assert (decision.verb, decision.reason, decision.changes) == (Verb.KEEP, "already equal", ())


def test_a_change_in_the_stack_is_no_drift():
    decision = decide(desired("bye\n"), found(last=desired()), SALT)
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, "content changed", False)
    assert decision.changes == (Change("content", "hello\n", "bye\n"),)


def test_a_change_by_hand_is_drift_and_restored():
    decision = decide(desired(), found("tampered\n", last=desired()), SALT)
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, "content changed by hand, restored", True)


def test_a_change_on_both_sides_says_which_one_wins():
    decision = decide(desired("bye\n"), found("tampered\n", last=desired()), SALT)
    assert decision.reason == "content changed by hand and in the stack; the stack's is written"
    assert decision.drift


def test_a_hand_that_already_made_the_stacks_change_leaves_nothing_to_do():
    assert decide(desired("bye\n"), found("bye\n", last=desired()), SALT).verb is Verb.KEEP


@pytest.mark.parametrize(
    ("state", "spec", "reason", "drift"),
    [
        ({"mode": 0o666}, {}, "mode 0666 set by hand, back to 0644", True),
        ({}, {"mode": 0o600}, "mode 0644 → 0600", False),
        ({"user": ("bob", "1000")}, {}, "owner bob set by hand, back to root", True),
        ({}, {"owner": "www-data"}, "owner root → www-data", False),
        ({"group": ("bob", "1000")}, {"mode": 0o640}, "mode 0644 → 0640, group bob set by hand, back to root", True),
    ],
)
def test_mode_owner_and_group_are_kept_with_a_reason(state, spec, reason, drift):
    decision = decide(desired(**spec), found(last=desired(), **state), SALT)
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, reason, drift)


def test_an_owner_may_be_given_as_a_number():
    last = desired(owner="1000", group="100")
    here = found(last=last, user=("bob", "1000"), group=("users", "100"))
    assert decide(last, here, SALT).verb is Verb.KEEP


def test_an_account_without_root_owns_what_it_writes():
    here = found(last=desired(), user=("ann", "1001"), group=("ann", "1001"), account=("ann", "ann"))
    assert decide(desired(), here, SALT).verb is Verb.KEEP


def test_a_file_removed_by_hand_is_drift():
    decision = decide(desired(), found(last=desired(), type="nothing"), SALT)
    assert (decision.verb, decision.reason, decision.drift) == (Verb.CREATE, "removed by hand, restored", True)


def test_an_interrupted_run_is_not_taken_for_drift():
    gone = decide(desired(), found(last=desired(), type="nothing", unfinished=True), SALT)
    old = decide(desired("new\n"), found("old\n", last=desired("new\n"), unfinished=True), SALT)
    new = decide(desired("new\n"), found("new\n", last=desired("new\n"), unfinished=True), SALT)
    assert (gone.verb, gone.reason, gone.drift) == (Verb.CREATE, "an earlier run did not finish", False)
    assert (old.verb, old.reason, old.drift) == (Verb.UPDATE, "content changed", False)
    assert (new.verb, new.reason, new.drift) == (Verb.UPDATE, "an earlier run did not finish", False)


def test_a_file_from_before_trellis_is_backed_up():
    decision = decide(desired(), found("foreign\n"), SALT)
    assert decision.verb is Verb.UPDATE
    assert decision.reason == f"was there before Trellis; its old content is kept in {BACKUP} and put back on removal"
    assert not decision.drift


def test_an_equal_file_from_before_trellis_stays_the_operators():
    assert decide(desired(), found(), SALT).verb is Verb.KEEP
    assert decide(None, found(), SALT).verb is Verb.KEEP


@pytest.mark.parametrize(("type_", "name"), [("folder", "folder"), ("link", "symbolic link"), ("other", "device")])
def test_what_is_no_regular_file_is_refused_before_anything_changes(type_, name):
    with pytest.raises(UsageError, match=f"there is a {name}.* at /etc/motd"):
        decide(desired(), found(last=desired(), type=type_), SALT)


class TestInitialFiles:
    initial = desired(kind="initial")

    def test_it_is_written_once_and_then_left_whatever_is_in_it(self):
        decision = decide(self.initial, found("edited\n", last=self.initial, mode=0o600), SALT)
        assert (decision.verb, decision.reason) == (Verb.KEEP, "initial file, there already")

    def test_one_that_was_there_before_is_left_alone(self):
        decision = decide(self.initial, found("foreign\n"), SALT)
        assert (decision.verb, decision.reason) == (Verb.KEEP, "was there before; left as it is")

    def test_a_removed_one_is_written_again(self):
        assert decide(self.initial, found(last=self.initial, type="nothing"), SALT).verb is Verb.CREATE

    def test_a_removal_leaves_what_operators_made_of_it(self):
        edited, untouched = found("edited\n", last=self.initial), found(last=self.initial)
        assert removal_leaves(FoundFile.of(edited))
        assert not removal_leaves(FoundFile.of(untouched))
        decision = decide(None, edited, SALT)
        assert decision.reason == "no longer declared; its content is the operators' by now and stays"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, "no longer declared"),
        ({"type": "nothing"}, "no longer declared, and gone already"),
        ({"backed_up": True}, "no longer declared; what was there before Trellis is put back"),
        ({"type": "link"}, "no longer declared; a symbolic link took its place and stays"),
    ],
)
def test_a_file_that_is_no_longer_declared_is_removed(state, reason):
    decision = decide(None, found(last=desired(), **state), SALT)
    assert (decision.verb, decision.reason) == (Verb.REMOVE, reason)


def test_a_file_becomes_static_without_a_word_about_its_content():
    decision = decide(desired(), found(last=desired(kind="initial")), SALT)
    assert (decision.verb, decision.reason, decision.changes) == (Verb.UPDATE, "kind initial → static", ())


class TestSecrets:
    old, new = desired(Secret("planted-old")), desired(Secret("planted-new"))

    def test_an_unchanged_secret_is_known_without_being_kept(self):
        here = found("planted-old", last=self.old)
        assert decide(self.old, here, SALT).verb is Verb.KEEP
        plain = hashlib.sha256(b"planted-old").hexdigest()
        assert "planted" not in repr(here)
        assert plain not in repr(here)

    def test_a_changed_secret_shows_nothing(self):
        decision = decide(self.new, found("planted-old", last=self.old), SALT)
        assert decision.reason == "content changed"
        assert "planted" not in repr(decision)

    def test_a_file_that_becomes_secret_is_compared_all_the_same(self):
        assert decide(desired(Secret("same")), found("same", last=desired("same")), SALT).verb is Verb.KEEP
        assert "planted" not in repr(decide(self.new, found("public", last=desired("public")), SALT))


def test_binary_content_is_shown_by_size_and_digest():
    decision = decide(desired(b"\0\1"), found("old\n", last=desired("old\n")), SALT)
    (change,) = decision.changes
    assert change.after == "2 bytes, SHA-256 b413f47d13ee…"
    assert str(change.before).startswith("4 bytes, SHA-256 ")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"path": "etc/motd"}, "is not the path of a file"),
        ({"path": "/etc/../shadow"}, "is not the path of a file"),
        ({"path": "/etc/motd/"}, "is not the path of a file"),
        ({"path": "/etc/a\nb"}, "control character"),
        ({"mode": 0o10000}, "is not a file mode"),
        ({"kind": "magic"}, "is not a kind of file"),
        ({"owner": "root:root"}, "is not a user or a group"),
        ({"owner": "-R"}, "is not a user or a group"),
    ],
)
def test_bad_fields_are_refused_with_the_place(spec, message):
    with pytest.raises(UsageError, match=message) as error:
        decide(desired(**spec), None, SALT)
    assert error.value.where == "file:/etc/motd@ny1"
