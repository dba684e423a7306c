"""A release travels: published and signed, checked and pulled; what cannot be trusted is refused with exit code 3."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shop_repository import Shop, opened_shop, reopened_shop

from trellis.changes import releases
from trellis.changes.composing import propose, propose_without, write
from trellis.changes.reading import read
from trellis.changes.standing import active
from trellis.environments.loading import load_environment
from trellis.errors import NotAuthorisedError, PolicyError, TrellisError
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis.pki.pem import bundle
from trellis.promotion import publishing
from trellis.promotion.applying import apply_change, begun
from trellis.promotion.chain import Overruling
from trellis.promotion.gate import allowed
from trellis.promotion.publishing import Publisher
from trellis.promotion.pulling import pulling
from trellis.revisions.programs import program_of
from trellis.signing.trust import load_trust, write_trust
from trellis_dsl.secret import Secret

NOW = datetime.now(UTC)


class Kept:
    """Keys in memory; the real store is encrypted."""

    def __init__(self, texts: dict[str, Secret] | None = None) -> None:
        self.texts = texts or {}

    def get(self, key: str) -> Secret | None:
        return self.texts.get(key)

    def put(self, key: str, value: Secret) -> None:
        self.texts[key] = value


@dataclass
class World:
    shop: Shop
    keys: dict[str, Kept]

    def publisher(self, environment: str) -> Publisher:
        return Publisher(self.shop.project, "shop", environment, self.keys.setdefault(environment, Kept()))

    def apply(self, name: str, environment: str = "dev") -> None:
        shop = self.shop
        known = begun(shop.repository, read(shop.repository), load_environment(shop.project, environment))
        tip = known.change(name).tip
        write(
            shop.repository,
            propose(shop.repository, shop.project, known, environment, tip, {name: tip}, f"Apply {name}"),
        )

    def revert(self, name: str, environment: str = "dev") -> None:
        shop = self.shop
        write(
            shop.repository,
            propose_without(shop.repository, shop.project, read(shop.repository), environment, name),
        )

    def publish(self, version: str, environment: str = "dev", now: datetime = NOW) -> None:
        publishing.publish(self.shop.repository, self.publisher(environment), version, "healthy", now)

    def withdraw(self, version: str, environment: str = "dev") -> None:
        publishing.withdraw(self.shop.repository, self.publisher(environment), version, "it was not well", NOW)

    def pull(
        self, version: str, environment: str = "test", overruling: Overruling | None = None, now: datetime = NOW
    ) -> bool:
        with pulling(self.shop.project, environment, version, overruling, (), now) as pull:
            if pull.prepared is None:
                return False
            pull.prepared.write()
            return True

    def has(self, environment: str) -> set[str]:
        known = read(self.shop.repository)
        ref = known.environments.get(environment)
        return set(active(known, ref.commit)) if ref else set()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three changes in dev, two of them in release 7.2, which dev has published; made once and copied."""
    with opened_shop(tmp_path_factory.mktemp("template") / "my shop") as shop:
        yield _begun(World(shop, {}))


@pytest.fixture
def world(template: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "key.txt"))
    shutil.copytree(template.shop.root, tmp_path / "my shop")
    keys = {name: Kept(dict(kept.texts)) for name, kept in template.keys.items()}
    with reopened_shop(tmp_path / "my shop") as shop:
        yield World(shop, keys)


def _begun(made: World) -> World:
    shop = made.shop
    shop.change("image", Website__image="shop/website:2")
    shop.change("memory", Website__memory="1 GiB")
    shop.edit("later", 'image="shop/db:1"', 'image="shop/db:2"')
    for name in ("image", "memory", "later"):
        made.apply(name)
    releases.create(shop.repository, shop.project, "7.2", ["image", "memory"])
    made.publish("7.2")
    return made


def test_exactly_the_released_changes_travel_down_the_chain(world: World) -> None:
    assert world.pull("7.2", "test")
    world.publish("7.2", "test")
    assert world.pull("7.2", "prod")
    assert world.has("dev") == {"image", "memory", "later"}
    assert world.has("test") == world.has("prod") == {"image", "memory"}
    assert not world.pull("7.2", "prod")


def test_the_environment_before_has_to_publish_first(world: World) -> None:
    with pytest.raises(PolicyError, match="prod pulls from test, which has not published image, memory"):
        world.pull("7.2", "prod")
    world.pull("7.2", "test")
    with pytest.raises(PolicyError, match="which has not published image, memory"):
        world.pull("7.2", "prod")
    assert world.has("prod") == set()


def test_a_skipped_environment_stays_visible(world: World) -> None:
    from trellis.promotion.telling import standing_lines

    assert world.pull("7.2", "prod", Overruling("prod", "the shop is down"))
    lines = standing_lines(world.shop.project, load_environment(world.shop.project, "prod"))
    assert lines[1:] == [
        "! prod runs image, which test never did; overruled: the shop is down",
        "! prod runs memory, which test never did; overruled: the shop is down",
    ]
    world.pull("7.2", "test")
    lines = standing_lines(world.shop.project, load_environment(world.shop.project, "prod"))
    assert len(lines) == 1


def test_what_does_not_run_cannot_be_published(world: World) -> None:
    with pytest.raises(PolicyError, match=r"test runs the working tree, not release 7.2"):
        world.publish("7.2", "test")
    world.revert("memory")
    with pytest.raises(PolicyError, match=r"dev does not run all of release 7.2: it lacks memory"):
        world.publish("7.2", "dev")


def test_a_withdrawn_release_is_not_pulled_any_more(world: World) -> None:
    world.withdraw("7.2")
    with pytest.raises(PolicyError, match="has not published image, memory"):
        world.pull("7.2")
    world.publish("7.2")
    assert world.pull("7.2")


@contextmanager
def ledger_changed(shop: Shop, change: Callable[[list[str]], list[str]], ref: str = "refs/trellis/published/dev"):
    found = shop.repository.ref(ref)
    assert found
    texts = change(list(shop.repository.texts(found.commit)))
    shop.git("update-ref", ref, shop.repository.commit_texts(texts, [found.commit], "changed\n"))
    yield


def _bits(text: str) -> range:
    """Places all over a record: every hundredth character."""
    return range(0, len(text), 100)


def test_one_bit_of_a_record_is_enough_to_refuse_it(world: World) -> None:
    shop = world.shop
    ref = shop.repository.ref("refs/trellis/published/dev")
    assert ref
    (text,) = shop.repository.texts(ref.commit)
    refused = 0
    for place in _bits(text):
        flipped = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        if _means_the_same(text, flipped):
            continue
        shop.git("update-ref", ref.name, shop.repository.commit_texts([flipped], [], "flipped\n"))
        with pytest.raises(TrellisError) as fault:
            world.pull("7.2")
        assert fault.value.exit_code == 3, flipped
        refused += 1
        assert world.has("test") == set()
    assert refused > 10
    shop.git("update-ref", ref.name, ref.commit)
    assert world.pull("7.2")


def _means_the_same(text: str, flipped: str) -> bool:
    """White space of JSON, or the spare bits of base64 and the like: the record says what it said."""
    try:
        return bool(json.loads(text) == json.loads(flipped))
    except ValueError:
        return False


def test_an_older_record_cannot_be_put_back(world: World) -> None:
    shop = world.shop
    world.pull("7.2")
    older = shop.repository.ref("refs/trellis/published/dev")
    assert older
    world.withdraw("7.2")
    shop.change("fix", Website__workers=9)
    world.apply("fix")
    releases.create(shop.repository, shop.project, "7.3", ["fix"])
    world.publish("7.3")
    world.pull("7.3")
    shop.git("update-ref", older.name, older.commit)
    with pytest.raises(NotAuthorisedError, match="older publications") as refused:
        world.pull("7.2")
    assert refused.value.exit_code == 3


def test_a_record_in_the_place_of_another_breaks_the_chain(world: World) -> None:
    world.withdraw("7.2")
    with (
        ledger_changed(world.shop, lambda texts: [texts[0], texts[0]]),
        pytest.raises(NotAuthorisedError, match="chain"),
    ):
        world.pull("7.2")


def test_a_moved_tag_is_refused(world: World) -> None:
    shop = world.shop
    shop.git("tag", "-f", "-a", "-m", "mine", "release/7.2", "change/later")
    with pytest.raises(NotAuthorisedError, match="the tag is not the one that was published"):
        world.pull("7.2")


def test_an_expired_certificate_is_refused(world: World) -> None:
    with pytest.raises(NotAuthorisedError, match="expired on") as refused:
        world.pull("7.2", now=NOW + timedelta(days=91))
    assert refused.value.exit_code == 3
    later = NOW + timedelta(days=91)
    world.publish("7.2", now=later)
    assert world.pull("7.2", now=later)


def test_a_revoked_certificate_is_refused_until_it_is_published_anew(world: World) -> None:
    publishing.renew_key(world.publisher("dev"), NOW)
    with pytest.raises(NotAuthorisedError, match="was revoked") as refused:
        world.pull("7.2")
    assert refused.value.exit_code == 3
    world.publish("7.2")
    assert world.pull("7.2")


def test_a_foreign_authority_is_refused(world: World) -> None:
    trust = load_trust(world.shop.project, "dev")
    other = create_authority("Somebody", NOW)
    from trellis.signing.keys import authority_text

    write_trust(world.shop.project, "dev", trust.signer, (authority_text(other),), ())
    with pytest.raises(NotAuthorisedError, match="no path leads to an authority that is trusted"):
        world.pull("7.2")


def test_another_environments_certificate_is_refused(world: World) -> None:
    keys = world.keys["dev"]
    from trellis.signing.keys import authority

    issuer = authority(keys, "shop", "dev", NOW)
    keys.put("publishing", bundle(issue(issuer, Leaf("shop/test publishing", Use.SIGNING), NOW)))
    world.publish("7.2")
    with pytest.raises(NotAuthorisedError, match="signed by 'shop/test publishing', not by 'shop/dev publishing'"):
        world.pull("7.2")


def test_a_certificate_for_another_use_is_refused(world: World) -> None:
    keys = world.keys["dev"]
    from trellis.signing.keys import authority

    issuer = authority(keys, "shop", "dev", NOW)
    keys.put("publishing", bundle(issue(issuer, Leaf("shop/dev publishing", Use.CLIENT), NOW)))
    world.publish("7.2")
    with pytest.raises(NotAuthorisedError, match="not a certificate for signing"):
        world.pull("7.2")


def test_without_a_trust_file_nobody_is_believed(world: World) -> None:
    (world.shop.root / "environments" / "trust" / "dev.yaml").unlink()
    with pytest.raises(NotAuthorisedError, match="nobody is trusted to publish for dev"):
        world.pull("7.2")


def test_a_branch_that_was_moved_by_hand_is_not_run(world: World) -> None:
    shop = world.shop
    world.pull("7.2")
    test = load_environment(shop.project, "test")
    assert allowed(shop.project, test, program_of(shop.project, test)) == ""
    shop.git("switch", "-q", "env/test")
    shop.git("merge", "-q", "-m", "by hand", "change/later")
    shop.git("switch", "-q", "main")
    with pytest.raises(PolicyError, match="test pulls from dev, which has not published later"):
        allowed(shop.project, test, program_of(shop.project, test))


def test_pulling_launders_nothing_that_was_merged_by_hand(world: World) -> None:
    shop = world.shop
    world.pull("7.2")
    shop.git("switch", "-q", "env/test")
    shop.git("merge", "-q", "-m", "by hand", "change/later")
    shop.git("switch", "-q", "main")
    shop.change("fix", Website__workers=9)
    world.apply("fix")
    releases.create(shop.repository, shop.project, "7.3", ["fix"])
    world.publish("7.3")
    with pytest.raises(PolicyError, match="has not published later"):
        world.pull("7.3")


def forged(shop: Shop, branch: str, trailer: str) -> None:
    """Commit an edit to a branch under a message that says that Trellis made it, and that it holds nothing."""
    shop.git("switch", "-q", branch)
    stack = shop.root / "stack.py"
    stack.write_text(stack.read_text().replace("shop/website:1", "evil/website:1"))
    shop.git("commit", "-q", "-a", "-m", f"Bring things together\n\n{trailer}")
    shop.git("switch", "-q", "main")


TRAILERS = ["Trellis-Merges: nothing", "Trellis-Contains: image 0", "Trellis-Release: 7.2", "Trellis-Reverts: image"]


@pytest.mark.parametrize("trailer", TRAILERS)
def test_what_a_message_says_gets_nothing_past_the_chain(world: World, trailer: str) -> None:
    shop = world.shop
    world.pull("7.2")
    test = load_environment(shop.project, "test")
    forged(shop, "env/test", trailer)
    with pytest.raises(PolicyError, match="test pulls from dev, which has not published 1 commit of no change-set"):
        allowed(shop.project, test, program_of(shop.project, test))


def test_a_change_set_that_calls_itself_a_merge_is_refused_like_any_other(world: World) -> None:
    shop = world.shop
    shop.git("branch", "change/quiet", "main")
    forged(shop, "change/quiet", "Trellis-Merges: nothing")
    with (
        pytest.raises(PolicyError, match="test pulls from dev, which has not published quiet"),
        apply_change(shop.project, "test", "quiet", None, ()),
    ):
        pass


def test_a_release_with_something_more_in_it_is_not_published(world: World) -> None:
    shop = world.shop
    shop.git("branch", "more", "release/7.2")
    forged(shop, "more", "Trellis-Release: 7.4\nTrellis-Contains: image 0")
    shop.git("tag", "-a", "-m", "Release 7.4", "release/7.4", "more")
    with pytest.raises(PolicyError, match=r"dev does not run all of release 7.4: it lacks 1 commit of no change-set"):
        world.publish("7.4")


def test_a_care_has_to_be_accepted(world: World) -> None:
    shop = world.shop
    world.pull("7.2")
    shop.edit("shrink", 'Storage("2 GiB")', 'Storage("1 GiB")')
    world.apply("shrink")
    releases.create(shop.repository, shop.project, "7.3", ["shrink"])
    world.publish("7.3")
    with pytest.raises(PolicyError, match=r"storage Back.data shrinks from 2 GiB, local to 1 GiB, local") as refused:
        world.pull("7.3")
    assert refused.value.hint == '--accept "storage Back.data"'
    with pulling(shop.project, "test", "7.3", None, ("storage Back.data",), NOW) as pull:
        assert pull.prepared
        pull.prepared.write()
    assert "Trellis-Accepts: storage Back.data" in shop.git("log", "-1", "--format=%B", "env/test")
