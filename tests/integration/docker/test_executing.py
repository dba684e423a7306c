"""All that a command prints is read, however early it comes."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from trellis.executing import exec_output


def test_both_streams_come_whole_and_apart(api: Any, built_images: Callable[..., None]) -> None:
    built_images("trellis-test/echo:1")
    name = f"lb-exec-{uuid.uuid4().hex[:6]}"
    api.create_container("trellis-test/echo:1", name=name, host_config=api.create_host_config(network_mode="none"))
    try:
        api.start(name)
        script = "echo out; echo err >&2; busybox head -c 300000 /dev/zero"
        for _ in range(20):
            task = api.exec_create(name, ["/bin/sh", "-c", script])["Id"]
            out, err = exec_output(api, task)
            assert (out[:4], len(out), err) == (b"out\n", 300_004, b"err\n")
            assert api.exec_inspect(task)["ExitCode"] == 0
        from docker.errors import NotFound

        with pytest.raises(NotFound):
            exec_output(api, "no-such-command")
    finally:
        api.remove_container(name, force=True)
