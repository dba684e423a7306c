"""Whether what runs in an environment may be published: all of it there, all of it well; pure."""

from collections.abc import Mapping
from typing import Any

from trellis.errors import PolicyError, UnreachableError


def judged(status: Mapping[str, Any]) -> str:
    """How an environment is, in a few words for the record.

    Args:
        status: as `trellis status --json` prints it.

    Raises:
        UnreachableError: a host did not answer.
        PolicyError: nothing runs there, something is to be done, or an instance is not healthy.
    """
    name = status["environment"]
    silent = [host["name"] for host in status["hosts"] if not host["reachable"]]
    if silent:
        raise UnreachableError(f"these hosts of {name} did not answer: {', '.join(silent)}")
    if not status["hosts"]:
        raise PolicyError(f"{name} has no hosts, so nothing was seen running there", hint=f"trellis host add -e {name}")
    if status["pending"]:
        what = f"{name} is not as its stack says: {status['pending']} changes are pending"
        raise PolicyError(what, hint=f"trellis up -e {name}")
    unwell = [f"{item['name']} is {item['health']}" for item in status["instances"] if not _is_well(item)]
    if unwell:
        raise PolicyError(f"{name} is not healthy: {', '.join(unwell)}", hint=f"trellis status -e {name}")
    count, hosts = len(status["instances"]), len(status["hosts"])
    return f"{count} instance{'' if count == 1 else 's'} healthy on {hosts} host{'' if hosts == 1 else 's'}"


def _is_well(instance: Mapping[str, Any]) -> bool:
    """Healthy, or where nobody said how to tell, running."""
    return bool(instance["health"] == "healthy" or (instance["health"] == "none" and instance["state"] == "running"))
