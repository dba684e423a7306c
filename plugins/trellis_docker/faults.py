"""What Docker's own error messages mean for a user: sentences and next steps, pure."""

import re
from collections.abc import Iterable

from trellis_dsl.secret import MASK, Secret

_TAKEN = (
    re.compile(r"Bind for (?P<address>\S+):(?P<port>\d+) failed: port is already allocated"),
    re.compile(r"listen (?:tcp|udp)\d? (?P<address>\S+):(?P<port>\d+): bind: address already in use"),
    re.compile(r"failed to bind host port (?:for )?(?P<address>[^\s:]+):(?P<port>\d+).*address already in use"),
)
_ADDRESS_MISSING = re.compile(r"(?P<address>[\d.:a-fA-F]+):\d+: bind: cannot assign requested address")


def explain_start(message: str, host: str) -> tuple[str, str]:
    """Why a container could not be started, and what to do about it."""
    for pattern in _TAKEN:
        if taken := pattern.search(message):
            port, address = taken["port"], taken["address"]
            return (
                f"port {port} of {host} is already in use (at {address})",
                f"see who listens: ss -ltnp 'sport = :{port}' (on {host}); stop it or choose another port",
            )
    if missing := _ADDRESS_MISSING.search(message):
        address = missing["address"]
        return f"{host} has no address {address}", "put the host's own address into the environment file"
    return first_line(message), "read Docker's message above; the host's engine log may say more"


def explain_pull(reference: str, message: str, host: str) -> tuple[str, str]:
    """Why an image could not be had, and what to do about it."""
    what = f"image {reference} is not on {host}, and it could not be pulled: {first_line(message)}"
    if "unauthorized" in message or "no basic auth" in message:
        return what, "docker login REGISTRY, on the machine that runs Trellis"
    return what, f"check its name, or bring it there: docker save {reference} | docker load"


def first_line(message: str) -> str:
    """The first line of a message, without the daemon's own prefix."""
    lines = message.strip().splitlines() or ["Docker gave no reason"]
    return lines[0].removeprefix("Error response from daemon: ").strip()


def last_lines(log: str, secrets: Iterable[Secret], count: int = 10) -> tuple[str, ...]:
    """The last lines of a container's log that say something, every secret masked in them."""
    return tuple(line for line in mask(log, secrets).splitlines() if line.strip())[-count:]


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret, and every longer line of one, shown as ``•••``."""
    values = {value for secret in secrets for value in _parts(secret.reveal())}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _parts(value: str) -> Iterable[str]:
    """The whole, and its lines of 8 letters or more: a log breaks a key of many lines up."""
    if value:
        yield value
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= 8)
