"""The service class that stacks run on the hosts that answer the public."""

from trellis_dsl import Service, listens, service, tcp


@service(image="shop/haproxy:2.6", host_network=True)
class HAProxy(Service):
    """HAProxy, with a configuration that Trellis writes: every site of the stack over its placed instances.

    Subclass it for another image or port: ``@shop.service(image="our/haproxy:2.8") class Edge(HAProxy): ...``.
    The image runs HAProxy 2.6 or later in master-worker mode as process 1, as root until its ports are bound, and
    reads ``/etc/haproxy/haproxy.cfg``; Trellis mounts ``/etc/haproxy`` (read-only) and ``/run/haproxy`` (sockets).
    """

    http = listens(80, public=True, health=tcp())
    https = listens(443, public=True, tls=True)
