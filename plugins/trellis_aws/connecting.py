"""Opens a session with a region of AWS."""

from collections.abc import Sequence

from trellis.hosts import Host, HostSession
from trellis_aws.settings import settings_of


class AwsConnector:
    """Connector for ``aws://REGION``."""

    schemes: Sequence[str] = ("aws",)

    async def connect(self, host: Host) -> HostSession:
        """A session; what is wrong with it is seen when the first question is asked.

        Raises:
            ConfigError: the settings are at fault.
        """
        from trellis_aws.session import AwsSession

        return AwsSession(host, settings_of(host, "the environment"))
