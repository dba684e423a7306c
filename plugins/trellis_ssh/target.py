"""Where a host's ssh server is and how to get there: parsed once from the environment file, then data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trellis.errors import ConfigError
from trellis.hosts import Host

DEFAULT_PORT = 22
DEFAULT_TIMEOUT = 10.0

OPTIONS: Mapping[str, str] = {
    "identity_file": "private key to log in with; the agent and ~/.ssh are used when there is none",
    "certificate_file": "user certificate for that key",
    "jump": "ssh server to go through, [user@]host[:port]; several with commas, the nearest first",
    "known_hosts": "file of known host keys, instead of the project's and the account's own",
    "sudo_password": "name of the secret that holds the password for sudo",
    "docker_socket": "path of the engine's socket on the host, when it is not a usual one",
    "timeout": "seconds that the host may take to answer, 10 by default",
}
"""The options of a host that this connector reads, and what each is for."""


@dataclass(frozen=True, slots=True)
class Target:
    """An ssh server.

    Attributes:
        address: name or address.
        user: the account; empty for what ~/.ssh/config says, or the operator's own name.
        port: TCP port.
    """

    address: str
    user: str = ""
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        """``deploy@10.0.0.1`` or ``deploy@10.0.0.1:2222``."""
        place = f"[{self.address}]" if ":" in self.address and self.port != DEFAULT_PORT else self.address
        port = "" if self.port == DEFAULT_PORT else f":{self.port}"
        return (f"{self.user}@" if self.user else "") + place + port

    @property
    def known_as(self) -> str:
        """How known_hosts files name it (sshd(8)): the address, with the port when it is not 22."""
        return self.address if self.port == DEFAULT_PORT else f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """A host's ssh server, the ones to go through, and with what.

    Attributes:
        target: the host itself.
        jumps: servers to go through, the nearest first.
        identity_file: a private key, or None.
        certificate_file: a user certificate, or None.
        known_hosts: the only file of known host keys, or None for the usual ones.
        docker_socket: a path on the host; empty for the usual ones.
        timeout: seconds that connecting may take.
    """

    target: Target
    jumps: tuple[Target, ...] = ()
    identity_file: Path | None = None
    certificate_file: Path | None = None
    known_hosts: Path | None = None
    docker_socket: str = ""
    timeout: float = DEFAULT_TIMEOUT

    @property
    def via(self) -> "Route | None":
        """The way to the last jump host; None where there is none."""
        if not self.jumps:
            return None
        return replace(self, target=self.jumps[-1], jumps=self.jumps[:-1], docker_socket="")


def parse_route(host: Host) -> Route:
    """The route to a host.

    Raises:
        ConfigError: its URL or one of its options is at fault.
    """
    options, where = host.options, f"hosts.{host.name}"
    for key in options:
        if key not in OPTIONS:
            near = get_close_matches(key, OPTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(OPTIONS))}"
            raise ConfigError(f"the ssh connector has no option {key!r}", where=f"{where}.options", hint=hint)
    jumps = [jump.strip() for jump in options.get("jump", "").split(",") if jump.strip()]
    return Route(
        parse_target(host.connect, f"{where}.connect"),
        tuple(parse_target(f"ssh://{jump.removeprefix('ssh://')}", f"{where}.options.jump") for jump in jumps),
        _path(options.get("identity_file")),
        _path(options.get("certificate_file")),
        _path(options.get("known_hosts")),
        options.get("docker_socket", ""),
        _seconds(options.get("timeout"), f"{where}.options.timeout"),
    )


def parse_target(url: str, where: str) -> Target:
    """The ssh server that ``ssh://[user@]host[:port]`` names.

    Raises:
        ConfigError: it is not such a URL, or has a password in it.
    """
    try:
        parts = urlsplit(url)
        address, port = parts.hostname, parts.port
    except ValueError:
        raise _bad_url(url, where) from None
    if parts.password is not None:
        raise ConfigError("a password in a URL can be read by others", where=where, hint="log in with a key")
    if (
        parts.scheme != "ssh"
        or not address
        or port == 0
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
    ):
        raise _bad_url(url, where)
    user = unquote(parts.username or "")
    # A leading hyphen would be an option to programs that are told the address.
    if address.startswith("-") or user.startswith("-") or any(c.isspace() for c in address + user):
        raise _bad_url(url, where)
    return Target(address, user, port or DEFAULT_PORT)


def _bad_url(url: str, where: str) -> ConfigError:
    return ConfigError(
        f"{url!r} is not an ssh address", where=where, hint="write ssh://user@address or ssh://user@address:22"
    )


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _seconds(text: str | None, where: str) -> float:
    try:
        seconds = float(text) if text else DEFAULT_TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ConfigError(f"{text!r} is not a number of seconds", where=where, hint="write 10")
    return seconds
