"""Makes the listeners of a load balancer and their rules as they should be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from trellis.errors import ApplyError
from trellis.plugin.contracts import Scope
from trellis_aws.api import Api
from trellis_aws.calls import NOTHING_HERE, actions, conditions, listener
from trellis_aws.certificates import Certificates
from trellis_aws.facts import found_rule
from trellis_aws.model import Balancer, Front, Rule
from trellis_aws.reading import FrontAnswers

_HIGHEST = 50000
_BLOCK = 1000


class Listening:
    """The listeners of one load balancer; `groups` has the ARNs of its target groups by name."""

    def __init__(self, api: Api, scope: Scope, balancer: str, groups: Mapping[str, str], https_port: int) -> None:
        self._api, self._scope, self._balancer = api, scope, balancer
        self._groups, self._https_port = groups, https_port

    async def make(self, wanted: Balancer, found: Sequence[FrontAnswers]) -> None:
        """Every listener and its rules; others go."""
        there = {int(front.described["Port"]): front for front in found}
        for front in wanted.fronts:
            certificates = await self._certificates(wanted) if front.tls else ()
            known = there.get(front.port)
            if known and (known.described["Protocol"] == "HTTPS") != front.tls:
                await self._api.call("elbv2", "delete_listener", ListenerArn=known.arn)
                known = None
            arn = known.arn if known else await self._create(front, certificates)
            if known:
                await self._modify(known, front, certificates, wanted.certificate)
            await self._rules(arn, front, known)
            await self._use(arn, known, certificates)
        for port, front_found in there.items():
            if port not in {front.port for front in wanted.fronts}:
                await self._api.call("elbv2", "delete_listener", ListenerArn=front_found.arn)

    async def _certificates(self, wanted: Balancer) -> tuple[str, ...]:
        if wanted.certificate:
            return (wanted.certificate,)
        found = tuple(await Certificates(self._api, self._scope).arns())
        if not found:
            raise ApplyError(
                "there is no certificate for the load balancer yet",
                where=self._balancer,
                hint="trellis cert list says why; or name one: balancer: {certificate: arn:…}",
            )
        return found

    async def _create(self, front: Front, certificates: Sequence[str]) -> str:
        answer = await self._api.call(
            "elbv2",
            "create_listener",
            LoadBalancerArn=self._balancer,
            **listener(front.port, certificates[0] if certificates else ""),
        )
        return str(answer["Listeners"][0]["ListenerArn"])

    async def _modify(self, known: FrontAnswers, front: Front, certificates: Sequence[str], given: str) -> None:
        rest = known.described["DefaultActions"][0]
        if rest["Type"] != "fixed-response" or rest["FixedResponseConfig"]["StatusCode"] != front.rest:
            await self._api.call("elbv2", "modify_listener", ListenerArn=known.arn, DefaultActions=[NOTHING_HERE])
        if front.tls and (known.certificates[:1] != (given,) if given else known.certificates[0] not in certificates):
            first = [{"CertificateArn": certificates[0]}]
            await self._api.call("elbv2", "modify_listener", ListenerArn=known.arn, Certificates=first)

    async def _use(self, arn: str, known: FrontAnswers | None, certificates: Sequence[str]) -> None:
        has = known.certificates if known else certificates[:1]
        if new := [{"CertificateArn": one} for one in certificates if one not in has]:
            await self._api.call("elbv2", "add_listener_certificates", ListenerArn=arn, Certificates=new)

    async def _rules(self, arn: str, front: Front, known: FrontAnswers | None) -> None:
        """New ones first, then their order, then those go that nobody wants: no request is without an answer."""
        names = {group: name for name, group in self._groups.items()}
        described = [one for one in (known.rules if known else ()) if not one["IsDefault"]]
        there: dict[Rule, str] = {}
        surplus = []
        for one in described:
            rule = found_rule(one, names)
            if rule in front.rules and rule not in there:
                there[rule] = one["RuleArn"]
            else:
                surplus.append(one)
        places = {str(one["RuleArn"]): int(one["Priority"]) for one in described}
        free = unused(places.values())
        for rule in front.rules:
            if rule not in there:
                number = next(free)
                there[rule] = await self._create_rule(arn, rule, number)
                places[there[rule]] = number
        for one in surplus:
            await self._api.call("elbv2", "delete_rule", RuleArn=one["RuleArn"])
        if order := in_order([there[rule] for rule in front.rules], places):
            priorities = [{"RuleArn": rule, "Priority": number} for rule, number in order.items()]
            await self._api.call("elbv2", "set_rule_priorities", RulePriorities=priorities)

    async def _create_rule(self, arn: str, rule: Rule, priority: int) -> str:
        answer = await self._api.call(
            "elbv2",
            "create_rule",
            ListenerArn=arn,
            Priority=priority,
            Conditions=conditions(rule),
            Actions=actions(rule, self._groups, self._https_port),
        )
        return str(answer["Rules"][0]["RuleArn"])


def unused(taken: Iterable[int]) -> Iterator[int]:
    """Priorities that no rule has, those behind all others first; pure."""
    known = set(taken)
    behind = max(known, default=0) + 1
    yield from range(behind, _HIGHEST + 1)
    yield from (number for number in range(1, behind) if number not in known)


def in_order(wanted: Sequence[str], places: Mapping[str, int]) -> dict[str, int]:
    """New priorities for all rules, none of them taken; empty where they are in order already; pure."""
    had = [places[rule] for rule in wanted]
    if had == sorted(had):
        return {}
    taken = set(places.values())
    starts = range(1, _HIGHEST - len(wanted), _BLOCK)
    first = next(start for start in starts if taken.isdisjoint(range(start, start + len(wanted))))
    return {rule: number for number, rule in enumerate(wanted, start=first)}
