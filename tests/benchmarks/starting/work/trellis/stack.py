"""Three containers that answer, as `compose/docker-compose.yaml` has them."""

from trellis import Role, Service, Stack, exactly, listens, runs

stack = Stack("bench-starting")


@stack.service(image="trellis-test/echo:1", cpu=0.05, memory="32 MiB")
class Echo(Service):
    """Answers with its page."""

    http = listens(8080)


@stack.role
class Every(Role):
    """This machine."""

    echo = runs(Echo, exactly(3))
