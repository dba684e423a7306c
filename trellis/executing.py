"""Reads what a command in a container prints, through the Docker SDK but past a fault of it."""

import struct
from collections.abc import Iterator
from typing import Any

_HEAD = 8
_STANDARD_ERROR = 2


def exec_frames(api: Any, task: str) -> Iterator[tuple[bool, bytes]]:
    """Start a command that ``exec_create`` made, and give what it prints: whether to standard error, and the bytes.

    The SDK's own ``exec_start`` asks for an upgraded connection and reads its socket past the buffer into which the
    answer's head was read. On a busy machine the first output comes along with that head, and is lost. Without the
    upgrade the engine answers with an ordinary body that ends with the command (Docker Engine API, ExecStart).

    Args:
        api: the SDK's `APIClient`; what its calls raise is raised here, too.
        task: the command's id.
    """
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    url = f"{api.base_url}/v{api.api_version}/exec/{task}/start"
    with api.post(url, json={"Detach": False, "Tty": False}, stream=True, timeout=api.timeout) as answer:
        try:
            answer.raise_for_status()
        except HTTPError as error:
            create_api_error_from_http_exception(error)  # raises it
        while len(head := answer.raw.read(_HEAD)) == _HEAD:
            kind, length = struct.unpack(">BxxxL", head)
            yield kind == _STANDARD_ERROR, answer.raw.read(length)


def exec_output(api: Any, task: str) -> tuple[bytes, bytes]:
    """Start such a command and wait for its end: all of its standard output, and of its standard error."""
    frames = list(exec_frames(api, task))
    out, err = (b"".join(data for is_error, data in frames if is_error is wanted) for wanted in (False, True))
    return out, err
