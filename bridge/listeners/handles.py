"""File handles: each connection takes one, and the worker needs some of its own for its links, RabbitMQ and Redis."""

import resource


def affordable(connections: int) -> int:
    """As many of these as leave half of the handles to everything else; the system is asked for more handles first.

    Many systems give a process 1,024 and allow it to ask for more. Without any left, nothing could be connected to.
    """
    have, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections
    if have != resource.RLIM_INFINITY and have < wanted:
        have = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (have, most))
    return connections if have == resource.RLIM_INFINITY else min(connections, have // 2)
