"""Three files and a container on every host."""

from trellis import Role, Service, Stack, one_per_host, runs, static_file

bench = Stack("bench")


@bench.service(image="trellis-test/echo:1")
class Echo(Service):
    """Answers with its version."""


@bench.role
class Every(Role):
    """What each host carries."""

    echo = runs(Echo, one_per_host)
    first = static_file("/etc/bench-trellis-1", "files/1")
    second = static_file("/etc/bench-trellis-2", "files/2")
    third = static_file("/etc/bench-trellis-3", "files/3")
