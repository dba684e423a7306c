"""Runs one provider against one host as `trellis up` would: observe, decide, apply."""

from collections.abc import Callable, Sequence

from trellis.hosts import HostSession
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Provider, Scope
from trellis.resources import Resource


class Keeping:
    """What `trellis up` does to one host with one provider, in short.

    Args:
        provider: whose resources are kept.
        session: the host's: a real one, or a `trellis.testing.HostDouble`.
        scope: whose resources they are.
        report: takes what steps say while they work.
    """

    def __init__(
        self, provider: Provider, session: HostSession, scope: Scope, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.provider = provider
        self.session = session
        self.scope = scope
        self._report = report

    async def plan(self, *desired: Resource) -> list[Step]:
        """One step for each resource that is desired or found.

        Raises:
            AssertionError: the provider decides one thing and then another about the same.
        """
        wanted = {resource.key: resource for resource in desired}
        scope = Scope(self.scope.stack, self.scope.environment, tuple(wanted), self.scope.salt, self.scope.data_dir)
        found = {actual.key: actual for actual in await self.provider.observe(self.session, scope)}
        steps = []
        for key in sorted(wanted.keys() | found.keys()):
            resource, actual = wanted.get(key), found.get(key)
            decision = self.provider.decide(resource, actual, scope.salt)
            if self.provider.decide(resource, actual, scope.salt) != decision:
                raise AssertionError(f"decide() is not pure: it gave two answers about {key}")
            steps.append(
                Step(key, decision.verb, decision.reason, resource, actual, decision.changes, drift=decision.drift)
            )
        return steps

    async def up(self, *desired: Resource) -> list[Step]:
        """Do what is to be done; the steps that did something."""
        steps = [step for step in await self.plan(*desired) if step.verb is not Verb.KEEP]
        for step in steps:
            await self.provider.apply(step, Applying(self.session, self.scope, self._report))
        return steps

    async def converges(self, *desired: Resource) -> Sequence[Step]:
        """Bring it up and look again: what every provider promises.

        Raises:
            AssertionError: a second run would do something.
        """
        done = await self.up(*desired)
        again = [step for step in await self.plan(*desired) if step.verb is not Verb.KEEP]
        if again:
            raise AssertionError("a second run would do: " + "; ".join(f"{one.key}: {one.reason}" for one in again))
        return done
