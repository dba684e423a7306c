"""A session with a region of AWS: where the load balancer stands, and the certificates that it uses."""

from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.errors import UnreachableError
from trellis.hosts import Completed, Host, HostFacts
from trellis.plugin.contracts import HeldCertificate, Scope
from trellis_aws.api import Api
from trellis_aws.certificates import Certificates
from trellis_aws.names import balancer_name
from trellis_aws.reading import read_balancer
from trellis_aws.settings import Settings

if TYPE_CHECKING:  # every run asks this plugin for its provider, and cryptography takes long to import
    from trellis.pki.model import Credentials


class AwsSession:
    """Satisfies `HostSession`, `CloudSession` and `HoldsCertificates`; nothing runs there."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self.settings = host, settings
        self.api = Api(settings, host.secrets.get("access_key_secret"))

    @property
    def host(self) -> Host:
        """The region."""
        return self._host

    async def facts(self, scope: Scope) -> HostFacts:
        """The networks of the subnets, from which the load balancer connects, and its name once it is there.

        Raises:
            ApplyError: there is no such subnet.
        """
        answer = await self.api.call("ec2", "describe_subnets", SubnetIds=list(self.settings.subnets))
        networks = sorted(one["CidrBlock"] for one in answer["Subnets"])
        balancer = await read_balancer(self.api, balancer_name(scope.stack, scope.environment))
        name = {"dns": str(balancer["DNSName"])} if balancer else {}
        return HostFacts(extra={"networks": " ".join(networks), **name})

    async def held_certificates(self, scope: Scope) -> Sequence[HeldCertificate]:
        """Those in ACM that carry the scope's tags."""
        return await Certificates(self.api, scope).held()

    async def hold_certificate(self, scope: Scope, name: str, credentials: "Credentials") -> None:
        """Import it, and have the load balancer use it."""
        await Certificates(self.api, scope).hold(name, credentials)

    async def drop_certificate(self, scope: Scope, name: str) -> None:
        """Have the load balancer use it no longer, and delete it."""
        await Certificates(self.api, scope).drop(name)

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        """Nothing runs there. Raises `UnreachableError`."""
        del stdin, sudo, timeout
        raise UnreachableError(f"{self.host.name} is no host: {argv[0]} cannot be run there")

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """Nothing connects from there. Raises `OSError`."""
        raise ConnectionRefusedError(f"{self.host.name} is no host, from which {address}:{port} could be reached")

    async def docker_url(self) -> str:
        """There is no engine. Raises `UnreachableError`."""
        raise UnreachableError(f"{self.host.name} is no host: it has no engine")

    async def close(self) -> None:
        """There is nothing to end."""
