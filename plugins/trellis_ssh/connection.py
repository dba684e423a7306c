"""Opening one ssh connection, and saying why it cannot be opened."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import asyncssh

from trellis.errors import ConfigError, NotAuthorisedError, TrellisError, UnreachableError
from trellis_ssh import known_hosts
from trellis_ssh.target import Route, Target

# A host that stops answering is noticed within about ten seconds, and a busy one is not given up at once.
KEEPALIVE_SECONDS = 3
KEEPALIVE_MISSES = 2

# What OpenSSH offers too, those first that the cryptography library does in one call a packet: a third less work here.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)


class _Watcher(asyncssh.SSHClient):
    """Keeps the key that a host offers, so that a refusal can name it."""

    def __init__(self) -> None:
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's signature
        self.offered = key
        return False


async def open_direct(
    host: str, route: Route, tunnel: asyncssh.SSHClientConnection | None, *, is_jump: bool = False
) -> asyncssh.SSHClientConnection:
    """Connect to the route's target through a tunnel that is open already, checking the target's key.

    Args:
        host: the host that is to be reached in the end, for what is said.
        route: its target and the credentials.
        tunnel: a connection to the last jump host; None where there is none.
        is_jump: the target is only on the way to the host.

    Raises:
        UnreachableError: it does not answer.
        HostKeyError: its key is unknown or has changed.
        NotAuthorisedError: the account is refused.
        ConfigError: a file named in the options is at fault.
    """
    target, watcher = route.target, _Watcher()
    known = known_hosts.load(known_hosts.files_for(route))
    label = f"the jump host of {host}" if is_jump else host
    try:
        with explained(label, target, route.timeout):
            return await _dial(watcher, route, target, known, tunnel)
    except asyncssh.HostKeyNotVerifiable as error:
        if watcher.offered is None:
            raise NotAuthorisedError(f"the host key of {label} ({target}) is not trusted: {error.reason}") from error
        key = known_hosts.as_host_key(target, watcher.offered)
        fingerprints = known_hosts.known_fingerprints(known, target)
        raise known_hosts.refusal(label, host, key, fingerprints) from error


async def fetch_direct(host: str, route: Route, tunnel: asyncssh.SSHClientConnection | None) -> known_hosts.HostKey:
    """The key that the route's target offers now, trusted or not; nothing is sent to it.

    Raises:
        UnreachableError: it does not answer.
    """
    watcher = _Watcher()
    with explained(host, route.target, route.timeout), contextlib.suppress(asyncssh.HostKeyNotVerifiable):
        nobody = asyncssh.import_known_hosts("")
        await end(await _dial(watcher, route, route.target, nobody, tunnel))
    if watcher.offered is None:
        raise UnreachableError(f"{host} ({route.target}) showed no host key", hint="is it an ssh server?")
    return known_hosts.as_host_key(route.target, watcher.offered)


async def _dial(
    watcher: _Watcher,
    route: Route,
    target: Target,
    known: asyncssh.SSHKnownHosts,
    tunnel: asyncssh.SSHClientConnection | None,
) -> asyncssh.SSHClientConnection:
    arguments: dict[str, Any] = {"username": target.user} if target.user else {}
    if route.identity_file:
        arguments["client_keys"] = [str(route.identity_file)]
    if route.certificate_file:
        arguments["client_certs"] = [str(route.certificate_file)]
    if kinds := known_hosts.algorithms(known, target):
        arguments["server_host_key_algs"] = kinds
    if tunnel:
        arguments["tunnel"] = tunnel
    # A connection that failed is closed in the loop's next turn, which an error on its way out would not wait for.
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(route.timeout):
        stack.push_async_callback(asyncio.sleep, 0)
        return await asyncssh.connect(
            target.address,
            target.port,
            client_factory=lambda: watcher,
            known_hosts=known,
            encryption_algs=CIPHERS,
            # A key that needs a passphrase is used through the agent.
            ignore_encrypted=True,
            agent_forwarding=False,
            request_pty=False,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=KEEPALIVE_MISSES,
            **arguments,
        )


@contextlib.contextmanager
def explained(host: str, target: Target, timeout: float) -> Iterator[None]:
    """Turn what goes wrong while connecting into sentences; a key that is not trusted passes through."""
    try:
        yield
    except (TrellisError, asyncssh.HostKeyNotVerifiable):
        raise
    except asyncssh.PermissionDenied as error:
        raise NotAuthorisedError(
            f"{host} ({target}) refused the account",
            hint="give a key that it knows (options: {identity_file: …}), or load one with ssh-add; "
            "the public key belongs in ~/.ssh/authorized_keys there",
        ) from error
    except TimeoutError as error:
        raise UnreachableError(
            f"{host} ({target}) did not answer within {timeout:g} s", hint=f"is it up? try: ssh {target}"
        ) from error
    except (asyncssh.KeyImportError, FileNotFoundError, PermissionError) as error:
        raise ConfigError(f"a key cannot be read: {error}", where=f"hosts.{host}.options") from error
    except (asyncssh.Error, OSError) as error:
        raise UnreachableError(f"{host} ({target}) cannot be reached: {error}", hint=f"try: ssh {target}") from error


async def end(connection: asyncssh.SSHClientConnection) -> None:
    """Close a connection, also when the other side does not answer."""
    connection.close()
    try:
        async with asyncio.timeout(2):
            await connection.wait_closed()
    except TimeoutError:
        # A host that hangs does not say goodbye either.
        connection.abort()
        await connection.wait_closed()
    await asyncio.sleep(0)  # the socket itself is closed in the loop's next turn
