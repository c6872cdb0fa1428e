"""What Linux says of processes: CPU of a whole session, its largest process, and who listens on a port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.proof.bench_process import cpu_s, peak_kib, session_of_listener

BURN = "import os, time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
block = b"x" * 50_000_000
del block
print("done", flush=True)
sys.stdin.read()
"""


POOL = f"""
import subprocess, sys
code = {BURN!r} + "block = b'x' * 50_000_000; del block; print('done', flush=True); input()"
one = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True)
sys.stdin.read()
one.communicate(b"\\n")
"""


@contextmanager
def a_session(code: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def test_cpu_counts_children_that_ended_and_memory_its_peak() -> None:
    with a_session(PARENT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "done\n"
        assert cpu_s(parent.pid) >= 0.3
        assert peak_kib(parent.pid) > 50_000
        pid = parent.pid
    assert (cpu_s(pid), peak_kib(pid)) == (0, 0)


def test_a_pool_is_counted_with_its_workers_though_each_has_a_session_of_its_own() -> None:
    with a_session(POOL) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "done\n"
        assert cpu_s(parent.pid, offspring=True) >= cpu_s(parent.pid) + 0.3
        assert peak_kib(parent.pid) > 50_000


def test_a_listener_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert session_of_listener(port) == os.getsid(0)
    assert session_of_listener(port) is None
