"""place(): every rule, every policy, stability, and what it says."""

from dataclasses import replace

import pytest

from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Placement,
    Problem,
    Running,
    Strategy,
    Workload,
    place,
)

GIB = 1 << 30
PER_HOST = InstancePolicy(1, 1, Counting.PER_HOST)


def exactly(count: int) -> InstancePolicy:
    return InstancePolicy(count, count, Counting.PER_ROLE)


def at_least(count: int) -> InstancePolicy:
    return InstancePolicy(count, None, Counting.PER_ROLE)


def host(name: str, memory: float = 8, *, roles: str = "web", **more: object) -> HostOffer:
    capacity = Capacity(cpu=4, memory=int(memory * GIB))
    return replace(HostOffer(name, frozenset(roles.split())), **{"capacity": capacity, **more})


def web(policy: InstancePolicy, memory: float = 1, service: str = "web", **more: object) -> Workload:
    return replace(Workload(service, "web", policy, Needs(memory=int(memory * GIB))), **more)


def hosts_of(placement: Placement, service: str = "web") -> dict[int, str]:
    return {placed.index: placed.host for placed in placement.instances if placed.service == service}


def running(service: str, *hosts: str, role: str = "web") -> tuple[Running, ...]:
    return tuple(Running(service, role, index, name) for index, name in enumerate(hosts, start=1))


NY = (host("ny1"), host("ny2"), host("ny3"))


class TestCounting:
    def test_one_on_each_host_of_the_role(self) -> None:
        placement = place(Problem((*NY, host("db1", roles="db")), (web(PER_HOST),)))
        assert hosts_of(placement) == {1: "ny1", 2: "ny2", 3: "ny3"}
        assert placement.instances[0].reason == "one of the hosts that carry web"

    def test_at_least_two_on_each_host(self) -> None:
        placement = place(Problem(NY[:2], (web(InstancePolicy(2, None, Counting.PER_HOST)),)))
        assert hosts_of(placement) == {1: "ny1", 2: "ny1", 3: "ny2", 4: "ny2"}

    def test_one_over_the_role_goes_to_the_least_loaded_host(self) -> None:
        loads = (web(exactly(1)), web(exactly(1), 4, service="big"))
        placement = place(Problem(NY, loads))
        assert placement.instances == (PlacedInstance("big", "web", 1, "ny1"), PlacedInstance("web", "web", 1, "ny2"))
        assert placement.instances[1].reason == "least loaded of 3 hosts that carry web"

    def test_instances_without_needs_are_spread_all_the_same(self) -> None:
        loads = (web(exactly(3), 0), web(exactly(1), 4, service="big"))
        assert sorted(hosts_of(place(Problem(NY, loads))).values()) == ["ny1", "ny2", "ny3"]

    def test_four_become_eight_become_two(self) -> None:
        problem = Problem(NY, (web(exactly(4)),))
        four = place(problem)
        eight = place(replace(problem, workloads=(web(exactly(8)),), running=_after(four)))
        assert [i for i in eight.instances if i.index <= 4] == list(four.instances)
        assert sorted(hosts_of(eight)) == [1, 2, 3, 4, 5, 6, 7, 8]
        two = place(replace(problem, workloads=(web(exactly(2)),), running=_after(eight)))
        assert list(two.instances) == [i for i in eight.instances if i.index <= 2]
        assert [i.index for i in two.stopped] == [3, 4, 5, 6, 7, 8]
        assert two.stopped[5].reason == "2 web are wanted; most of them are on ny2"
        assert two.stopped[1].reason == "2 web are wanted; most of them are on ny1"
        assert two.stopped[0].reason == "2 web are wanted; it has the highest index"

    def test_between_low_and_high_nothing_changes(self) -> None:
        placement = place(Problem(NY, (web(at_least(1)),), running("web", "ny1", "ny1", "ny1")))
        assert hosts_of(placement) == {1: "ny1", 2: "ny1", 3: "ny1"}
        assert placement.stopped == ()

    def test_what_stops_is_on_the_crowded_rack_first(self) -> None:
        racks = (host("a1", labels={"rack": "a"}), host("a2", labels={"rack": "a"}), host("b1", labels={"rack": "b"}))
        load = web(exactly(2), spread_over=("rack",))
        placement = place(Problem(racks, (load,), running("web", "a1", "a2", "b1")))
        assert [(i.index, i.reason) for i in placement.stopped] == [
            (2, "2 web are wanted; most of them are on its rack")
        ]

    def test_what_stops_is_on_the_draining_host_first(self) -> None:
        hosts = (host("ny1", draining=True), host("ny2"))
        placement = place(Problem(hosts, (web(exactly(1)),), running("web", "ny1", "ny2")))
        assert hosts_of(placement) == {2: "ny2"}
        assert placement.stopped[0].reason == "1 web are wanted; it has to leave ny1 anyway"

    def test_a_new_instance_gets_the_lowest_index_that_nothing_runs_under(self) -> None:
        runs = (Running("web", "web", 2, "ny1"), Running("web", "web", 4, "ny2"))
        assert sorted(hosts_of(place(Problem(NY, (web(exactly(4)),), runs)))) == [1, 2, 3, 4]

    def test_an_index_is_unique_over_the_roles_of_a_service(self) -> None:
        hosts = (host("ny1", roles="web"), host("ny2", roles="api"))
        loads = (web(PER_HOST), replace(web(PER_HOST), role="api"))
        assert [(i.role, i.index) for i in place(Problem(hosts, loads)).instances] == [("api", 2), ("web", 1)]

    def test_a_role_that_no_host_carries_is_a_warning(self) -> None:
        placement = place(Problem((host("db1", roles="db"),), (web(exactly(1)),)))
        assert placement.shortfalls == ()
        assert placement.warnings == ("no host carries the role web: web does not run",)

    def test_what_runs_in_a_role_that_no_host_carries_stops(self) -> None:
        placement = place(Problem((host("db1", roles="db"),), (web(exactly(1)),), running("web", "db1")))
        assert [(i.service, i.host, i.reason) for i in placement.stopped] == [
            ("web", "db1", "no host carries the role web")
        ]
        assert (placement.instances, placement.shortfalls) == ((), ())

    def test_an_instance_of_a_service_that_is_gone_stops(self) -> None:
        placement = place(Problem(NY, (web(exactly(1)),), running("old", "ny1")))
        assert [(i.service, i.host, i.reason) for i in placement.stopped] == [
            ("old", "ny1", "role web no longer runs old")
        ]

    def test_of_a_move_that_was_cut_short_one_copy_stays(self) -> None:
        hosts = (host("ny1", draining=True), host("ny2"))
        runs = (Running("web", "web", 1, "ny1"), Running("web", "web", 1, "ny2"))
        placement = place(Problem(hosts, (web(exactly(1), relocatable="yes"),), runs))
        assert hosts_of(placement) == {1: "ny2"}
        assert [(i.host, i.reason) for i in placement.stopped] == [("ny1", "a second copy; web-1 stays on ny2")]


class TestRules:
    def test_each_dimension_blocks_alone(self) -> None:
        for needs in (Needs(cpu=5), Needs(memory=9 * GIB), Needs(disk=11), Needs(network=11)):
            small = replace(NY[0], capacity=Capacity(4, 8 * GIB, 10, 10))
            load = replace(web(exactly(1)), needs=needs)
            assert place(Problem((small,), (load,))).shortfalls[0].missing == 1

    def test_tenths_of_a_core_add_up_exactly(self) -> None:
        one_core = replace(NY[0], capacity=Capacity(cpu=1.0))
        load = replace(web(exactly(10)), needs=Needs(cpu=0.1))
        assert len(place(Problem((one_core,), (load,))).instances) == 10

    def test_an_unknown_capacity_holds_nothing_back_and_is_said(self) -> None:
        unknown = replace(NY[0], capacity=Capacity(cpu=4))
        placement = place(Problem((unknown,), (web(exactly(1)),)))
        assert hosts_of(placement) == {1: "ny1"}
        assert placement.warnings == ("memory of ny1 is unknown and was not checked",)

    def test_a_host_port_is_taken_once(self) -> None:
        load = web(exactly(2), host_ports=frozenset({("tcp", 80)}))
        assert sorted(hosts_of(place(Problem(NY[:2], (load,)))).values()) == ["ny1", "ny2"]
        short = place(Problem(NY[:1], (load,))).shortfalls[0]
        assert "ny1: port 80/tcp is taken by web" in short.reasons

    def test_a_port_that_something_else_listens_on_is_taken(self) -> None:
        hosts = (host("ny1", foreign_ports=frozenset({("tcp", 80)})), host("ny2"))
        assert hosts_of(place(Problem(hosts, (web(exactly(1), host_ports=frozenset({("tcp", 80)})),)))) == {1: "ny2"}

    def test_spread_over_a_label(self) -> None:
        labels = {"a1": "a", "a2": "a", "a3": "a", "b1": "b"}
        hosts = tuple(host(name, labels={"rack": rack}) for name, rack in labels.items())
        placed = hosts_of(place(Problem(hosts, (web(exactly(4), spread_over=("rack",)),)))).values()
        assert sorted(labels[name] for name in placed) == ["a", "a", "b", "b"]

    def test_kept_apart_is_said_once_and_holds_both_ways(self) -> None:
        loads = (web(exactly(1), service="a", apart_from=("b",)), web(exactly(1), service="b"))
        placement = place(Problem(NY[:1], loads))
        assert [i.service for i in placement.instances] == ["a"]
        assert "ny1: b must not be on one host with a; moving a would free it, but no other host has room for a" in (
            placement.shortfalls[0].reasons
        )

    def test_apart_from_itself_is_one_a_host(self) -> None:
        placement = place(Problem(NY, (web(exactly(3), apart_from=("web",)),)))
        assert sorted(hosts_of(placement).values()) == ["ny1", "ny2", "ny3"]

    def test_kept_together_brings_the_partner_along(self) -> None:
        loads = (web(exactly(2), service="app", together_with=("cache",)), web(exactly(2), 3, service="cache"))
        placement = place(Problem(NY, loads))
        assert set(hosts_of(placement, "app").values()) <= set(hosts_of(placement, "cache").values())
        assert placement.shortfalls == ()

    def test_two_that_need_each_other_are_placed_together(self) -> None:
        loads = (
            web(exactly(1), 5, service="app", together_with=("cache",)),
            web(exactly(1), 3, service="cache", together_with=("app",)),
        )
        hosts = (host("ny1", 7), host("ny2", 8))
        placement = place(Problem(hosts, loads))
        assert [i.host for i in placement.instances] == ["ny2", "ny2"]

    def test_pinned(self) -> None:
        placement = place(Problem(NY, (web(exactly(1), pinned_to=("ny2",)),)))
        assert [(i.host, i.reason) for i in placement.instances] == [("ny2", "pinned to ny2")]

    @pytest.mark.parametrize(
        ("wanted", "fits"), [(">=20", True), (">=24,<25", False), ("20.10.1", True), ("21", False)]
    )
    def test_only_hosts_that_have_a_fact(self, wanted: str, *, fits: bool) -> None:
        hosts = (host("ny1"), host("ny2", facts={"docker": "20.10.1"}))
        placement = place(Problem(hosts, (web(exactly(1), requires_facts={"docker": wanted}),)))
        assert hosts_of(placement) == ({1: "ny2"} if fits else {})

    def test_per_host_counts_only_hosts_that_have_the_label(self) -> None:
        hosts = (host("ny1"), host("ny2", labels={"disk": "ssd"}))
        assert hosts_of(place(Problem(hosts, (web(PER_HOST, requires_labels={"disk": "ssd"}),)))) == {1: "ny2"}

    def test_everything_on_one_host_then_on_many_without_a_change(self) -> None:
        loads = (web(PER_HOST, service="proxy"), web(at_least(2)), web(exactly(1), service="db"))
        alone = place(Problem(NY[:1], loads))
        assert {i.host for i in alone.instances} == {"ny1"}
        grown = place(Problem(NY, loads, _after(alone)))
        assert set(alone.instances) <= set(grown.instances)
        assert [i.host for i in grown.instances if i.service == "proxy"] == ["ny1", "ny2", "ny3"]


class TestStrategy:
    def test_pack_fills_one_host_first(self) -> None:
        placement = place(Problem(NY, (web(exactly(5)),), strategy=Strategy.PACK))
        assert set(hosts_of(placement).values()) == {"ny1"}

    def test_spread_looks_at_the_number_of_instances(self) -> None:
        hosts = (host("ny1", 100), host("ny2", 8))
        placement = place(Problem(hosts, (web(exactly(4)),), strategy=Strategy.SPREAD))
        assert sorted(hosts_of(placement).values()) == ["ny1", "ny1", "ny2", "ny2"]

    def test_least_loaded_looks_at_the_share(self) -> None:
        hosts = (host("ny1", 100), host("ny2", 8))
        assert set(hosts_of(place(Problem(hosts, (web(exactly(4)),)))).values()) == {"ny1"}


class TestStaying:
    def test_what_runs_stays_although_another_host_is_emptier(self) -> None:
        placement = place(Problem(NY, (web(exactly(2), 3, relocatable="yes"),), running("web", "ny1", "ny1")))
        assert hosts_of(placement) == {1: "ny1", 2: "ny1"}
        assert {i.reason for i in placement.instances} == {"keeps its host"}
        assert placement.proof == "nothing moves"

    def test_a_draining_host_is_emptied(self) -> None:
        hosts = (host("ny1", draining=True), host("ny2"))
        placement = place(Problem(hosts, (web(exactly(1), relocatable="yes"),), running("web", "ny1")))
        assert hosts_of(placement) == {1: "ny2"}
        assert placement.instances[0].reason == ("leaves ny1, which is draining; the only host that may run web")

    @pytest.mark.parametrize(
        ("relocatable", "allowed", "at"),
        [("no", frozenset(), "ny1"), ("coordinated", frozenset(), "ny1"), ("coordinated", frozenset({"web"}), "ny2")],
    )
    def test_draining_moves_only_what_may_be_moved(self, relocatable: str, allowed: frozenset[str], at: str) -> None:
        hosts = (host("ny1", draining=True), host("ny2"))
        load = web(exactly(1), relocatable=relocatable)
        placement = place(Problem(hosts, (load,), running("web", "ny1"), allow_moves=allowed))
        assert hosts_of(placement) == {1: at}

    def test_a_host_that_does_not_answer_keeps_its_instances_and_gets_none(self) -> None:
        hosts = (host("ny1", 1, answers=False), host("ny2"))
        placement = place(Problem(hosts, (web(exactly(3), 2, relocatable="yes"),), running("web", "ny1")))
        assert hosts_of(placement) == {1: "ny1", 2: "ny2", 3: "ny2"}
        assert placement.instances[0].reason == "keeps its host, which does not answer"

    def test_a_silent_host_is_named_for_a_service_that_runs_on_each_host(self) -> None:
        placement = place(Problem((host("ny1", answers=False), host("ny2")), (web(PER_HOST),)))
        assert hosts_of(placement) == {1: "ny2"}
        assert placement.warnings == ("ny1 does not answer: web is not started there now",)

    def test_a_host_that_lost_the_role_loses_the_instance(self) -> None:
        hosts = (host("ny1", roles="db"), host("ny2"))
        placement = place(Problem(hosts, (web(exactly(1)),), running("web", "ny1")))
        assert hosts_of(placement) == {1: "ny2"}
        assert placement.instances[0].reason.startswith("leaves ny1: does not carry web; ")

    def test_foreign_use_that_grew_moves_what_may_move_and_leaves_the_rest(self) -> None:
        loads = (web(exactly(1), 3, relocatable="yes"), web(exactly(1), 3, service="db"))
        runs = (*running("web", "ny1"), *running("db", "ny1"))
        placement = place(Problem((host("ny1", 4), host("ny2")), loads, runs))
        assert (hosts_of(placement), hosts_of(placement, "db")) == ({1: "ny2"}, {1: "ny1"})
        alone = place(Problem((host("ny1", 4),), loads, runs))
        assert (hosts_of(alone), hosts_of(alone, "db")) == ({1: "ny1"}, {1: "ny1"})
        assert alone.warnings == ("ny1 runs more than it has room for: 2 GiB memory too much",)

    def test_an_instance_that_needs_more_than_it_has_must_fit(self) -> None:
        runs = (Running("web", "web", 1, "ny1", Needs(memory=GIB)),)
        placement = place(Problem((host("ny1", 2),), (web(exactly(1), 4),), runs))
        assert placement.instances == ()
        assert placement.shortfalls[0].missing == 1

    def test_of_two_kept_apart_the_one_that_is_needed_stays(self) -> None:
        loads = (web(exactly(1), service="proxy", apart_from=("db",)), web(at_least(0), service="db"))
        placement = place(Problem(NY, loads, (*running("proxy", "ny2"), *running("db", "ny2"))))
        assert hosts_of(placement, "proxy") == {1: "ny2"}
        assert [(i.service, i.host, i.reason) for i in placement.stopped] == [
            ("db", "ny2", "db must not be on one host with proxy, and 0 are enough")
        ]
        assert placement.shortfalls == ()

    def test_of_two_kept_apart_and_needed_that_may_not_move_one_is_a_shortfall(self) -> None:
        load = web(exactly(2), apart_from=("web",))
        placement = place(Problem(NY, (load,), running("web", "ny1", "ny1")))
        assert placement.stopped == ()
        assert (placement.shortfalls[0].missing, hosts_of(placement)) == (1, {1: "ny1"})
        assert placement.shortfalls[0].reasons == (
            "web-2 cannot stay on ny1: web must not be on one host with web; web is not relocatable",
            "ny2, ny3 have room",
        )

    def test_a_partner_starts_beside_one_on_a_host_that_became_too_small(self) -> None:
        loads = (web(exactly(1), 4, service="cache", together_with=("proxy",)), web(PER_HOST, 0, service="proxy"))
        placement = place(Problem((host("ny1", 2), host("ny2")), loads, running("cache", "ny1")))
        assert hosts_of(placement, "cache") == {1: "ny1"}
        assert hosts_of(placement, "proxy") == {1: "ny1", 2: "ny2"}
        assert placement.instances[1].reason == "together with cache"

    def test_a_big_new_service_displaces_a_small_one_that_may_move(self) -> None:
        loads = (web(exactly(1), 2, relocatable="yes"), web(exactly(1), 7, service="big"))
        hosts = (host("ny1", 8), host("ny2", 4))
        placement = place(Problem(hosts, loads, running("web", "ny1")))
        assert (hosts_of(placement), hosts_of(placement, "big")) == ({1: "ny2"}, {1: "ny1"})
        assert placement.instances[1].reason.startswith("leaves ny1: 1 GiB memory short; ")
        assert placement.shortfalls == ()

    def test_of_two_that_could_make_room_the_smaller_moves(self) -> None:
        loads = (
            web(exactly(1), 2, service="small", relocatable="yes"),
            web(exactly(1), 3, service="large", relocatable="yes"),
            web(exactly(1), 5, service="new"),
        )
        runs = (*running("small", "ny1"), *running("large", "ny1"))
        placement = place(Problem((host("ny1", 8), host("ny2", 4)), loads, runs))
        assert hosts_of(placement, "small") == {1: "ny2"}
        assert hosts_of(placement, "large") == {1: "ny1"}

    def test_when_not_all_fits_the_higher_priority_does(self) -> None:
        loads = (web(exactly(1), 5, service="low"), web(exactly(1), 5, service="urgent", priority=1))
        placement = place(Problem(NY[:1], loads))
        assert [i.service for i in placement.instances] == ["urgent"]
        assert [short.service for short in placement.shortfalls] == ["low"]


class TestShortfalls:
    def test_service_dimension_amount_host_by_host_and_what_would_free_it(self) -> None:
        loads = (web(exactly(2), 4, service="cache"), web(exactly(1), 6, service="reports"))
        placement = place(Problem((host("ny1", 7), host("ny2", 9.4)), loads, running("cache", "ny1", "ny2")))
        assert placement.shortfalls[0].reasons == (
            "reports needs 6 GiB memory an instance; the best host, ny2, is 614.4 MiB memory short",
            "ny2: 614.4 MiB memory short; moving cache-2 would free it, but cache is not relocatable",
            "ny1: 3 GiB memory short; moving cache-1 would free it, but cache is not relocatable",
        )

    def test_the_smallest_set_of_rules_that_leaves_no_host(self) -> None:
        hosts = (host("ny1", 1), host("ny2", 8, labels={"disk": "hdd"}))
        load = web(exactly(1), 4, requires_labels={"disk": "ssd"}, pinned_to=("ny1",))
        reasons = place(Problem(hosts, (load,))).shortfalls[0].reasons
        assert reasons[-1] == "these rules together leave no host: memory of the hosts; pinned to ny1"

    def test_what_allowing_moves_would_give(self) -> None:
        loads = (web(exactly(1), 3, service="db", relocatable="coordinated"), web(exactly(1), 7, service="big"))
        problem = Problem((host("ny1", 8), host("ny2", 4)), loads, running("db", "ny1"))
        placement = place(problem)
        assert placement.warnings == ("with --allow-moves db, 1 more would find a host",)
        assert place(replace(problem, allow_moves=frozenset({"db"}))).shortfalls == ()

    def test_a_host_with_nothing_to_give(self) -> None:
        placement = place(Problem((host("ny1", 0),), (web(exactly(1)),)))
        assert placement.shortfalls[0].reasons[1] == "ny1: 1 GiB memory short"

    def test_a_small_problem_is_proven_not_to_fit(self) -> None:
        placement = place(Problem(NY[:2], (web(exactly(3), 5),)))
        assert placement.shortfalls[0].missing == 1
        assert placement.proof == "proven: not everything that is asked for can be placed"


class TestRebalancing:
    def test_evens_out_the_load_and_then_has_nothing_to_do(self) -> None:
        problem = Problem(
            NY[:2], (web(exactly(4), 2, relocatable="yes"),), running("web", *["ny1"] * 4), rebalance=True
        )
        placement = place(problem)
        assert sorted(hosts_of(placement).values()) == ["ny1", "ny1", "ny2", "ny2"]
        assert {i.reason for i in placement.instances if i.host == "ny2"} == {
            "leaves ny1 for a better balance; found by search among 2 hosts"
        }
        assert place(replace(problem, running=_after(placement))).instances == placement.instances

    def test_moves_only_what_may_be_moved(self) -> None:
        problem = Problem(NY[:2], (web(exactly(4), 2),), running("web", *["ny1"] * 4), rebalance=True)
        assert set(hosts_of(place(problem)).values()) == {"ny1"}

    def test_packing_empties_a_host(self) -> None:
        problem = Problem(
            NY[:2],
            (web(exactly(2), 2, relocatable="yes"),),
            running("web", "ny1", "ny2"),
            strategy=Strategy.PACK,
            rebalance=True,
        )
        assert len(set(hosts_of(place(problem)).values())) == 1


def _after(placement: Placement) -> tuple[Running, ...]:
    return tuple(Running(i.service, i.role, i.index, i.host) for i in placement.instances)
