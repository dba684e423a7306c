"""The runtime API: what HAProxy 2.6 prints, and the commands that make its servers those of the file."""

from trellis_haproxy.runtime import Running, differing, list_servers, old_workers, servers_in, take_out
from trellis_haproxy.servers import Line, Place

PROCESSES = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
1               master          1 [failed: 0]   0d00h00m04s     2.6.12-1+deb12u4
# workers
18              worker          0               0d00h00m01s     2.6.12-1+deb12u4
# old workers
8               worker          1               0d00h00m04s     2.6.12-1+deb12u4
12              worker          1               0d00h00m04s     2.6.12-1+deb12u4
# programs

"""
STAT = """\
# pxname,svname,qcur,qmax,scur,smax,slim,status,type,addr,
b,web-1:10.0.0.1:1,0,0,3,9,,UP,2,10.0.0.1:1,
b,web-2:10.0.0.2:1,0,0,0,9,,MAINT,2,10.0.0.2:1,
b,web-3:10.0.0.3:1,0,0,,9,,DOWN 1/2,2,10.0.0.3:1,
b,web-4:fd00::1:1,0,0,0,9,,no check,2,[fd00::1]:1,
b,BACKEND,0,0,3,9,,UP,1,,

"""


def place(number: int) -> Place:
    return Place("b", f"web-{number}:10.0.0.{number}:1")


def line(number: int, options: str = "check") -> Line:
    return Line(place(number), f"10.0.0.{number}:1", options)


def running(number: int, *, out: bool = False) -> Running:
    return Running(place(number), f"10.0.0.{number}:1", out=out, up=not out, sessions=0)


def test_workers_that_only_finish_what_they_have_are_found():
    assert old_workers(PROCESSES) == ["@!8", "@!12"]
    assert old_workers(PROCESSES.partition("8      ")[0] + "# programs\n") == []


def test_the_servers_of_a_worker_are_read():
    one, two, three, four = servers_in(STAT)
    assert one == Running(place(1), "10.0.0.1:1", out=False, up=True, sessions=3)
    assert (two.out, two.up, three.out, three.up, three.sessions) == (True, False, False, False, 0)
    assert (four.address, four.up) == ("[fd00::1]:1", True)
    assert list(servers_in("Unknown command\n")) == []


def test_commands_make_the_worker_equal_to_the_file():
    wanted = {place(number): line(number) for number in (1, 2, 3)}
    found = differing(wanted, [running(1), running(2, out=True), running(4)])
    assert not found.needs_reload
    assert found.commands == [
        "@1 set server b/web-2:10.0.0.2:1 state ready",
        "@1 add server b/web-3:10.0.0.3:1 10.0.0.3:1 check",
        "@1 enable health b/web-3:10.0.0.3:1",
        "@1 set server b/web-3:10.0.0.3:1 state ready",
        "@1 set server b/web-4:10.0.0.4:1 state maint",
    ]


def test_what_is_equal_and_what_is_not_ours_is_left_alone():
    assert not differing({place(1): line(1)}, [running(1), running(2)], ours=lambda one: one == place(1))
    assert not differing({place(1): line(1).off}, [running(1, out=True)])
    assert differing({place(1): line(1).off}, [running(1)]).going == (place(1),)


def test_a_server_with_a_cookie_is_added_by_a_reload_and_taken_back_without():
    sticky = line(1, "check cookie web-1")
    assert differing({place(1): sticky}, []).needs_reload
    assert not differing({place(1): sticky}, [running(1, out=True)]).needs_reload


def test_a_server_that_visitors_stay_at_gets_its_cookie_when_it_is_added():
    line = Line(place(1), "10.0.0.1:1", "check", sticky=True)
    assert differing({place(1): line}, []).commands == [
        "@1 add server b/web-1:10.0.0.1:1 10.0.0.1:1 check",
        "@1 enable health b/web-1:10.0.0.1:1",
        "@1 enable dynamic-cookie backend b",
        "@1 set server b/web-1:10.0.0.1:1 state ready",
    ]
    assert differing({place(1): line}, [running(1, out=True)]).commands == [
        "@1 set server b/web-1:10.0.0.1:1 state ready"
    ]


def test_commands_name_their_worker():
    assert list_servers("@!8") == "@!8 show stat -1 4 -1"
    assert take_out("@!8", [place(1)]) == ["@!8 set server b/web-1:10.0.0.1:1 state maint"]
