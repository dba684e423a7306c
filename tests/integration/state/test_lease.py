import signal
import time
from collections.abc import Callable

import pytest

from trellis.errors import LockedError
from trellis.state.store import open_store, this_process

ME = this_process("trellis destroy -e prod")


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_two_processes_contend_and_one_gets_it(url: str, hold) -> None:
    contenders = [hold(url) for _ in range(4)]  # they also race to create the file
    answers = [contender.reads() for contender in contenders]
    assert answers.count("held") == 1
    losers = [answer for answer in answers if answer != "held"]
    winner = contenders[answers.index("held")]
    assert all(f"pid {winner.process.pid}, trellis up -e prod" in loser for loser in losers)
    assert winner.told("check") == "still mine"


def test_a_waiting_process_gets_the_lock_when_it_is_released(url: str, hold) -> None:
    first = hold(url)
    assert first.reads() == "held"
    second = hold(url, wait=20)
    store = open_store(url)
    status = store.lock_status("prod")
    assert status is not None
    assert status.holder.pid == first.process.pid
    assert first.told("release") == "released"
    assert second.reads() == "held"
    store.close()


def test_the_lock_of_a_killed_process_is_free_at_once(url: str, hold) -> None:
    holder = hold(url, ttl=3600)
    assert holder.reads() == "held"
    store = open_store(url)
    with pytest.raises(LockedError):
        store.lease("prod", ME)
    holder.signal(signal.SIGKILL)
    holder.process.wait()
    with store.lease("prod", ME) as lease:
        lease.check()
    store.close()


def test_a_stopped_process_loses_the_lock_when_it_expires_and_finds_out(url: str, hold) -> None:
    holder = hold(url, ttl=1)
    assert holder.reads() == "held"
    holder.signal(signal.SIGSTOP)
    store = open_store(url)
    began = time.monotonic()
    with store.lease("prod", ME, ttl=30, wait=20) as lease:
        assert time.monotonic() - began < 5
        holder.signal(signal.SIGCONT)
        answer = holder.told("check")
        assert answer.startswith("lost: this run lost the lock of environment prod: ")
        assert f"(pid {ME.pid}, trellis destroy -e prod) holds it since" in answer
        lease.check()
        assert holder.told("release") == "released"
        lease.check()
    store.close()


def test_a_living_process_keeps_its_lock_for_longer_than_one_term(url: str, hold) -> None:
    holder = hold(url, ttl=0.6)
    assert holder.reads() == "held"
    store = open_store(url)
    first = store.lock_status("prod")
    assert first is not None

    def has_outlived_three_terms() -> bool:
        now = store.lock_status("prod")
        assert now is not None
        assert not now.expired
        return (now.heartbeat - first.acquired).total_seconds() > 1.8

    until(has_outlived_three_terms)
    assert holder.told("check") == "still mine"
    store.close()


def test_a_broken_lock_stops_the_other_process(url: str, hold) -> None:
    holder = hold(url)
    assert holder.reads() == "held"
    store = open_store(url)
    broken = store.break_lock("prod")
    assert broken is not None
    assert broken.holder.pid == holder.process.pid
    assert "someone broke it" in holder.told("check")
    store.close()
