"""The service class that stacks run."""

from trellis import Service, default, service


@service(image="trellis-test/echo:1", memory="16 MiB")
class Almanac(Service):
    """Serves an almanac; subclass it for another image."""

    year = default(2027, "the year that it is about")
