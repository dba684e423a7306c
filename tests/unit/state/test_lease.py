from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trellis.errors import LeaseLostError, LockedError
from trellis.state.lease import _Claim
from trellis.state.processes import Holder
from trellis.state.store import Store, open_store
from trellis_dsl.secret import Secret

ANN = Holder("ann@desk", 4711, "trellis up -e prod")
BOB = Holder("bob@laptop", 12, "trellis destroy -e prod")
START = datetime(2026, 11, 23, 3, 43, 38, 123456, tzinfo=UTC)


def test_a_second_writer_is_told_who_holds_the_lock_since_when_and_what_to_do(store: Store) -> None:
    with store.lease("prod", ANN), pytest.raises(LockedError) as caught:
        store.lease("prod", BOB)
    assert caught.value.what == (
        "environment prod is locked by ann@desk (pid 4711, trellis up -e prod) since 2026-11-23 03:43:38 UTC"
    )
    assert caught.value.hint == "wait for it with --lock-wait 60; if it hangs: trellis lock break -e prod"
    assert caught.value.exit_code == 10


def test_environments_are_locked_apart(store: Store) -> None:
    with store.lease("prod", ANN), store.lease("test", BOB):
        assert [lock.environment for lock in store.locks()] == ["prod", "test"]


def test_a_released_lock_is_free(store: Store) -> None:
    with store.lease("prod", ANN) as lease:
        lease.check()
    assert store.lock_status("prod") is None
    with store.lease("prod", BOB) as lease:
        lease.check()
    lease.release()


def test_an_error_inside_releases_the_lock(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("prod", ANN):
        raise ZeroDivisionError
    assert store.locks() == ()


def test_status_tells_the_holder_and_its_times(store: Store) -> None:
    with store.lease("prod", ANN, ttl=30):
        status = store.lock_status("prod")
    assert status is not None
    assert status.holder == ANN
    assert (status.acquired, status.heartbeat) == (START, START)
    assert status.expires == START + timedelta(seconds=30)
    assert not status.dead


def test_an_expired_lease_is_taken_over_and_its_holder_finds_out(store: Store, clock) -> None:
    lease = store.lease("prod", ANN, ttl=30)
    clock.forward(29.9)
    with pytest.raises(LockedError):
        store.lease("prod", BOB)
    clock.forward(0.1)
    with store.lease("prod", BOB) as second:
        with pytest.raises(LeaseLostError) as caught:
            lease.check()
        second.check()
    assert caught.value.what == (
        "this run lost the lock of environment prod: bob@laptop (pid 12, trellis destroy -e prod) holds it since "
        "2026-11-23 03:44:08 UTC; nothing more was changed"
    )
    assert caught.value.exit_code == 10
    lease.release()


def test_who_lost_the_lock_does_not_release_the_next_holders(store: Store, clock) -> None:
    lease = store.lease("prod", ANN, ttl=30)
    clock.forward(30)
    with store.lease("prod", BOB) as second:
        lease.release()
        second.check()


def test_a_heartbeat_keeps_a_lease_alive(store: Store, clock) -> None:
    token = store._leases.take("prod", ANN, 30)
    assert isinstance(token, str)
    clock.forward(20)
    assert store._leases.renew("prod", token, 30)
    clock.forward(20)
    with pytest.raises(LockedError):
        store.lease("prod", BOB)


def test_an_expired_lease_that_nobody_took_goes_on(store: Store, clock) -> None:
    token = store._leases.take("prod", ANN, 30)
    assert isinstance(token, str)
    clock.forward(3600)
    assert store._leases.renew("prod", token, 30)
    assert store._leases.holds("prod", token)


def test_a_dead_lease_that_stirs_while_it_is_taken_stays(store: Store, clock) -> None:
    token = store._leases.take("prod", ANN, 30)
    assert isinstance(token, str)
    clock.forward(31)
    seen = store.lock_status("prod")
    assert seen is not None
    assert seen.expired
    store._leases.renew("prod", token, 30)
    assert not store._leases._take_over(seen, token, _Claim("new", BOB, 30))
    assert store._leases.holds("prod", token)


def test_a_broken_lock_stops_its_holder(store: Store) -> None:
    lease = store.lease("prod", ANN)
    broken = store.break_lock("prod")
    assert broken is not None
    assert broken.holder == ANN
    with pytest.raises(LeaseLostError, match="someone broke it"):
        lease.check()
    lease.release()
    assert store.break_lock("prod") is None


def test_waiting_ends_with_who_still_holds_it(store: Store) -> None:
    told = []
    with store.lease("prod", ANN), pytest.raises(LockedError, match=r"\(waited 0.3 s\)$"):
        store.lease("prod", BOB, wait=0.3, on_wait=told.append)
    assert [status.holder for status in told] == [ANN]


def test_a_secret_in_the_holder_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match="is a Secret"):
        store.lease("prod", replace(ANN, command=Secret("hunter2")))  # type: ignore[arg-type]


def test_two_stores_on_one_file_see_one_lock(url: str, store: Store, clock) -> None:
    other = open_store(url, clock=clock)
    with store.lease("prod", ANN), pytest.raises(LockedError):
        other.lease("prod", BOB)
    other.close()
