import os
import subprocess
import sys
from dataclasses import replace

from trellis.state.processes import Holder, is_gone, operator, this_process


def _child_holder(child: "subprocess.Popen[str]") -> Holder:
    assert child.stdout is not None
    return Holder("ann@desk", child.pid, "trellis up", child.stdout.readline().strip())


def _child() -> "subprocess.Popen[str]":
    program = "from trellis.state.processes import this_process; print(this_process('x').identity, flush=True); input()"
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_holder_names_user_machine_process_and_command() -> None:
    holder = this_process("trellis up -e prod")
    assert str(holder) == f"{operator()} (pid {os.getpid()}, trellis up -e prod)"
    assert operator().count("@") == 1


def test_a_running_process_is_not_gone() -> None:
    assert not is_gone(this_process("trellis up"))


def test_a_killed_process_is_gone_even_as_a_zombie() -> None:
    with _child() as child:
        holder = _child_holder(child)
        assert not is_gone(holder)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not reaped
        assert is_gone(holder)
    assert is_gone(holder)


def test_a_reused_process_number_is_not_the_holder() -> None:
    holder = this_process("trellis up")
    machine, _, _start = holder.identity.rpartition("/")
    assert is_gone(replace(holder, identity=f"{machine}/1"))


def test_nothing_is_said_of_other_machines_and_of_unknown_holders() -> None:
    holder = this_process("trellis up")
    assert not is_gone(replace(holder, pid=2**22 + 1, identity="another-boot/pid:[1]/77"))
    assert not is_gone(replace(holder, pid=2**22 + 1, identity=""))
