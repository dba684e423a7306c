"""Certificates in AWS's certificate manager (ACM) that carry an environment's tags, and the listener that uses them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.plugin.contracts import HeldCertificate, Scope
from trellis_aws.api import Api
from trellis_aws.names import CERTIFICATE, FINGERPRINT, as_tags, balancer_name, is_ours, own_tags, tags_of

if TYPE_CHECKING:
    from trellis.pki.model import Credentials

_KINDS = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
"""Without them AWS lists those with RSA keys of 1024 and 2048 bits alone."""


PLACE = "acm"
"""Where an environment's certificates are, as plans name it: ``certificate:acm/shop.example@aws``."""


@dataclass(frozen=True, slots=True)
class Listener:
    """The listener for TLS, and the ARNs of its certificates, the default one first."""

    arn: str
    certificates: tuple[str, ...]


class Certificates:
    """An environment's certificates."""

    def __init__(self, api: Api, scope: Scope) -> None:
        self._api, self._scope = api, scope

    async def held(self) -> list[HeldCertificate]:
        """What is there, by name."""
        arns, listener = await asyncio.gather(self.arns(), self.listener())
        found = await asyncio.gather(*(self._held(arn, tags, listener) for arn, tags in arns.items()))
        return sorted(found, key=lambda one: one.name)

    async def arns(self) -> dict[str, dict[str, str]]:
        """The ARNs and tags of the environment's certificates."""
        listed = await self._api.pages(
            "acm", "list_certificates", "CertificateSummaryList", Includes={"keyTypes": _KINDS}
        )
        arns = [one["CertificateArn"] for one in listed]
        answers = await asyncio.gather(
            *(self._api.call("acm", "list_tags_for_certificate", CertificateArn=arn) for arn in arns)
        )
        tags = {arn: tags_of(answer["Tags"]) for arn, answer in zip(arns, answers, strict=True)}
        ours = {
            arn: of
            for arn, of in tags.items()
            if is_ours(of, self._scope.stack, self._scope.environment) and of.get(CERTIFICATE)
        }
        return dict(sorted(ours.items(), key=lambda item: (item[1][CERTIFICATE], item[0])))

    async def hold(self, name: str, credentials: "Credentials") -> None:
        """Import it, under the ARN that the certificate of that name has; the listener takes the new one by itself."""
        from trellis.pki.identifying import fingerprint
        from trellis.pki.pem import dump_certificates, dump_key

        arns = [arn for arn, tags in (await self.arns()).items() if tags[CERTIFICATE] == name]
        given: dict[str, object] = {
            "Certificate": dump_certificates([credentials.certificate]).encode(),
            "PrivateKey": dump_key(credentials.key).reveal().encode(),
        }
        if credentials.above:
            given["CertificateChain"] = dump_certificates(credentials.above).encode()
        put = {FINGERPRINT: fingerprint(credentials.certificate)}
        scope = self._scope
        if arns:
            await self._api.call("acm", "import_certificate", CertificateArn=arns[0], **given)
            await self._api.call("acm", "add_tags_to_certificate", CertificateArn=arns[0], Tags=as_tags(put))
        else:
            tags = own_tags(scope.stack, scope.environment, **{CERTIFICATE: name}, **put)
            answer = await self._api.call("acm", "import_certificate", Tags=tags, **given)
            arns = [answer["CertificateArn"]]
        await self.use(arns[:1])

    async def use(self, arns: Sequence[str]) -> None:
        """Have the listener use them, where there is one."""
        listener = await self.listener()
        new = [arn for arn in arns if listener and arn not in listener.certificates]
        if listener and new:
            certificates = [{"CertificateArn": arn} for arn in new]
            await self._api.call(
                "elbv2", "add_listener_certificates", ListenerArn=listener.arn, Certificates=certificates
            )

    async def drop(self, name: str) -> None:
        """Have the listener use it no longer, and delete it."""
        ours = await self.arns()
        listener = await self.listener()
        for arn in (arn for arn, tags in ours.items() if tags[CERTIFICATE] == name):
            if listener and arn in listener.certificates:
                others = [one for one in (*listener.certificates, *ours) if one != arn]
                await self._unuse(listener, arn, others)
            await self._api.call("acm", "delete_certificate", CertificateArn=arn)

    async def _unuse(self, listener: Listener, arn: str, others: Sequence[str]) -> None:
        """A listener has a default certificate; without another one it goes."""
        certificates = [{"CertificateArn": arn}]
        if arn != listener.certificates[0]:
            await self._api.call(
                "elbv2", "remove_listener_certificates", ListenerArn=listener.arn, Certificates=certificates
            )
        elif others:
            await self._api.call(
                "elbv2", "modify_listener", ListenerArn=listener.arn, Certificates=[{"CertificateArn": others[0]}]
            )
        else:
            await self._api.call("elbv2", "delete_listener", ListenerArn=listener.arn)

    async def listener(self) -> Listener | None:
        """The environment's listener for TLS; None where there is none, or where the load balancer is not Trellis's."""
        from trellis_aws.reading import read_balancer, read_tags

        scope = self._scope
        described = await read_balancer(self._api, balancer_name(scope.stack, scope.environment))
        if described is None:
            return None
        arn = described["LoadBalancerArn"]
        if not is_ours((await read_tags(self._api, [arn]))[arn], scope.stack, scope.environment):
            return None
        listeners = await self._api.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
        for one in (one for one in listeners if one["Protocol"] == "HTTPS"):
            more = await self._api.pages(
                "elbv2", "describe_listener_certificates", "Certificates", ListenerArn=one["ListenerArn"]
            )
            first = [each["CertificateArn"] for each in one.get("Certificates", ())]
            rest = [each["CertificateArn"] for each in more]
            return Listener(one["ListenerArn"], tuple(dict.fromkeys([*first, *rest])))
        return None

    async def _held(self, arn: str, tags: dict[str, str], listener: Listener | None) -> HeldCertificate:
        from trellis.pki.identifying import fingerprint, names
        from trellis.pki.pem import load_certificates

        answer = await self._api.call("acm", "get_certificate", CertificateArn=arn)
        certificate = load_certificates(answer["Certificate"], arn)[0]
        return HeldCertificate(
            place=PLACE,
            name=tags[CERTIFICATE],
            names=names(certificate),
            fingerprint=fingerprint(certificate),
            put=tags.get(FINGERPRINT, ""),
            ends=certificate.not_valid_after_utc.isoformat(),
            used=listener is None or arn in listener.certificates,
        )
