"""Takes a lock in a process of its own and does what it is told, line by line: check, release."""

import sys

from trellis.errors import LeaseLostError, LockedError
from trellis.state.store import open_store, this_process


def say(answer: str) -> None:
    """Answer at once."""
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()


def main() -> None:
    url, ttl, wait = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    store = open_store(url)
    try:
        lease = store.lease("prod", this_process("trellis up -e prod"), ttl=ttl, wait=wait)
    except LockedError as error:
        say(f"locked: {error}")
        return
    say("held")
    for line in sys.stdin:
        if line.strip() == "release":
            lease.release()
            say("released")
            continue
        try:
            lease.check()
            say("still mine")
        except LeaseLostError as error:
            say(f"lost: {error}")


main()
