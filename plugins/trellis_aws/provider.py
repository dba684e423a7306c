"""Keeps load balancers in AWS."""

from collections.abc import Mapping, Sequence

from trellis.errors import ApplyError
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_aws.deciding import decide, drift
from trellis_aws.facts import found_balancer
from trellis_aws.model import KIND, balancer_of
from trellis_aws.names import DIGEST, UNFINISHED, balancer_name
from trellis_aws.reading import Answers, read
from trellis_aws.session import AwsSession


class AwsProvider:
    """Provider of `aws-balancer` resources; their spec is a `trellis_aws.model.Balancer`."""

    kinds: Mapping[str, int] = {KIND: 45}

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:  # noqa: ARG002 - asked of every host
        """Hosts have none."""
        return ()

    async def observe_cloud(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The environment's load balancer; what is left of one counts, too.

        Raises:
            TrellisError: AWS does not say.
        """
        if not isinstance(session, AwsSession):
            return ()
        answers = await read(session.api, scope.stack, scope.environment)
        if answers.balancer is None and not answers.groups:
            return ()
        return (_actual(answers, ResourceKey(KIND, f"{scope.stack}-{scope.environment}", session.host.name)),)

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:  # noqa: ARG002 - no secrets
        """What is to be done about one load balancer; pure."""
        return decide(desired, actual)

    def drift(self, actual: Actual) -> str:
        """What somebody else changed; pure."""
        return drift(actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Make it as it should be, whatever an earlier run has left.

        Raises:
            ApplyError: AWS refuses, or a load balancer of that name is not Trellis's.
        """
        from trellis_aws.changing import Changing

        session, scope = applying.session, applying.scope
        assert isinstance(session, AwsSession)  # noqa: S101 - for the type checker: its own connector made it
        answers = await read(session.api, scope.stack, scope.environment)
        if answers.foreign:
            name = balancer_name(scope.stack, scope.environment)
            raise ApplyError(
                f"there is a load balancer {name} already that Trellis did not make",
                where=str(step.key),
                hint="it was left as it is; give it, or the stack, another name",
            )
        changing = Changing(session.api, scope, applying.report)
        if step.verb in {Verb.REMOVE, Verb.REPLACE}:
            await changing.remove(answers)
        if step.resource is not None and step.verb is not Verb.REMOVE:
            await changing.make(balancer_of(step.resource.spec), session.settings)


def _actual(answers: Answers, key: ResourceKey) -> Actual:
    found = found_balancer(answers)
    unfinished = UNFINISHED in answers.tags or any(UNFINISHED in group.tags for group in answers.groups)
    state = {
        "balancer": found.as_spec() if found else None,
        "digest": answers.tags.get(DIGEST, ""),
        "unfinished": unfinished or found is None,
        "dns": str(answers.balancer["DNSName"]) if answers.balancer else "",
    }
    return Actual(key, state=freeze_mapping(state))
