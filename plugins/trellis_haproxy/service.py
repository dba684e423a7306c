"""The service class that stacks run on the hosts that answer the public."""

from trellis_dsl import Service, default, listens, service, tcp


@service(image="shop/haproxy:2.6", host_network=True)
class HAProxy(Service):
    """HAProxy, with a configuration that Trellis writes: every site of the stack over its placed instances.

    Subclass it for another image or port: ``@shop.service(image="our/haproxy:2.8") class Edge(HAProxy): ...``.
    The image runs HAProxy 2.6 or later in master-worker mode as process 1, as root until its ports are bound, and
    reads ``existing.cfg`` and ``haproxy.cfg`` in ``/etc/haproxy``; Trellis mounts ``/etc/haproxy`` (read-only) and
    ``/run/haproxy`` (sockets). Its master listens at ``/run/haproxy/master.sock``, and the image has socat or perl.

    A proxy whose class connects to another proxy's class, ``inner = connects_to(Inner.http)``, stands in front of it.
    """

    http = listens(80, public=True, health=tcp())
    https = listens(443, public=True, tls=True)
    near = default("", "host label: instances on hosts with the proxy's value get the traffic while one of them serves")
    statistics_port = default(0, "port on the host's loopback for statistics and /metrics; 0 leaves both to a socket")
    existing = default("", "path on the host of the operator's own HAProxy configuration, loaded beside Trellis's")
