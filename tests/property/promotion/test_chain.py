"""Whatever operators do in any order: nobody runs what was not published, and a pull brings exactly its release."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from shop_repository import Shop, opened_shop

from trellis.changes import making, releases
from trellis.changes.composing import brought_by, propose, propose_without, write
from trellis.changes.errors import ConflictError
from trellis.changes.making import Sheet
from trellis.changes.reading import read
from trellis.changes.standing import active
from trellis.environments.loading import load_environment
from trellis.errors import PolicyError
from trellis.promotion import publishing
from trellis.promotion.applying import begun
from trellis.promotion.publishing import Publisher
from trellis.promotion.pulling import pulling
from trellis_dsl.secret import Secret

NOW = datetime.now(UTC)
NEXT = {"test": "dev", "prod": "test"}
ATTRIBUTES = ("Website.image", "Website.workers", "Website.labels.a", "Website.labels.b", "Database.image")


class Kept(dict[str, Secret]):
    """Keys in memory."""

    def put(self, key: str, value: Secret) -> None:
        self[key] = value


class Operators(RuleBasedStateMachine):
    """What operators may do, and a model of what must then be where."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trellis-property-"))
        self.context = opened_shop(self.folder / "my shop")
        self.shop: Shop = self.context.__enter__()
        self.keys = {name: Kept() for name in ("dev", "test", "prod")}
        self.count = 0
        self.values: dict[str, tuple[str, str]] = {}  # change to attribute and value
        self.held: dict[str, frozenset[str]] = {}  # release to its changes
        self.has: dict[str, set[str]] = {"dev": set(), "test": set(), "prod": set()}
        self.published: dict[str, set[str]] = {"dev": set(), "test": set(), "prod": set()}
        self.allowed: dict[str, set[str]] = {"test": set(), "prod": set()}

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(attribute=st.sampled_from(ATTRIBUTES), after=st.booleans(), data=st.data())
    def change(self, attribute: str, after: bool, data: st.DataObject) -> None:  # noqa: FBT001 - drawn
        name = f"c{self.count}"
        self.count += 1
        base: tuple[str, ...] = ()
        if after and self.values:
            base = (data.draw(st.sampled_from(sorted(self.values))),)
        making.start(self.shop.repository, Sheet(name, name, after=base))
        value = str(100 + self.count) if attribute.endswith("workers") else f"v{self.count}"
        given = {attribute: int(value) if attribute.endswith("workers") else value}
        making.set_attributes(self.shop.repository, self.shop.project, name, given)
        self.values[name] = (attribute, value)

    @precondition(lambda self: self.values)
    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.values)))
        shop = self.shop
        known = begun(shop.repository, read(shop.repository), load_environment(shop.project, "dev"))
        tip = known.change(name).tip
        brings = brought_by(known, known.change(name))
        try:
            write(shop.repository, propose(shop.repository, shop.project, known, "dev", tip, brings, f"Apply {name}"))
        except ConflictError:
            return
        self.has["dev"] |= brings.keys()

    @precondition(lambda self: self.has["dev"])
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.has["dev"])))
        shop = self.shop
        try:
            write(shop.repository, propose_without(shop.repository, shop.project, read(shop.repository), "dev", name))
        except ConflictError:
            return
        self.has["dev"].discard(name)

    @precondition(lambda self: self.values)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.values)), min_size=1, max_size=3, unique=True))
        whole = sorted(
            {*chosen, *(other for name in chosen for other in self._below(name))}, key=lambda name: int(name[1:])
        )
        version = f"{len(self.held) + 1}.0"
        try:
            releases.create(self.shop.repository, self.shop.project, version, whole)
        except ConflictError:
            return
        self.held[version] = frozenset(whole)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), environment=st.sampled_from(("dev", "test")))
    def publish(self, data: st.DataObject, environment: str) -> None:
        version = data.draw(st.sampled_from(sorted(self.held)))
        publisher = Publisher(self.shop.project, "shop", environment, self.keys[environment])
        try:
            publishing.publish(self.shop.repository, publisher, version, "healthy", NOW)
        except PolicyError:
            assert not self.held[version] <= self.has[environment]
            return
        assert self.held[version] <= self.has[environment]
        self.published[environment].add(version)

    @precondition(lambda self: any(self.published.values()))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        made = sorted((name, version) for name, versions in self.published.items() for version in versions)
        environment, version = data.draw(st.sampled_from(made))
        publisher = Publisher(self.shop.project, "shop", environment, self.keys[environment])
        publishing.withdraw(self.shop.repository, publisher, version, "not well", NOW)
        self.published[environment].discard(version)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), environment=st.sampled_from(("test", "prod")))
    def pull(self, data: st.DataObject, environment: str) -> None:
        version = data.draw(st.sampled_from(sorted(self.held)))
        before = set(self.has[environment])
        try:
            with pulling(self.shop.project, environment, version, None, ("all",), NOW) as pull:
                if pull.prepared is not None:
                    pull.prepared.write()
        except PolicyError:
            assert version not in self.published[NEXT[environment]]
            return
        except ConflictError:
            return
        if version in self.published[NEXT[environment]]:
            self.allowed[environment] |= self.held[version]
        assert self.held[version] <= self.allowed[environment]
        self.has[environment] = before | self.held[version]

    @invariant()
    def every_environment_has_exactly_what_the_model_says(self) -> None:
        if not hasattr(self, "shop"):
            return
        known = read(self.shop.repository)
        for name, expected in self.has.items():
            ref = known.environments.get(name)
            assert (set(active(known, ref.commit)) if ref else set()) == expected, name
        for name, allowed in self.allowed.items():
            assert self.has[name] <= allowed

    @invariant()
    def the_checkout_is_untouched(self) -> None:
        if hasattr(self, "shop"):
            assert self.shop.git("status", "--porcelain", "--", "stack.py", "overrides.yaml") == ""

    def _below(self, name: str) -> set[str]:
        """The change-sets that one builds on."""
        known = read(self.shop.repository)
        tip = known.changes[name].tip
        return {
            other.name
            for other in known.changes.values()
            if other.name != name and known.graph.contains(tip, other.start)
        }


TestOperators = Operators.TestCase
TestOperators.settings = settings(
    max_examples=6,
    stateful_step_count=18,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
