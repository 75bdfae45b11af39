"""mvchain.chaos.linux and packets: disks and networks that a process of the test makes for itself, where it may."""

import os
import select
import subprocess
import sys

import pytest

NOT_HERE = "not here: "

SMALL_DISK = """
import errno, pathlib, sys, tempfile
from mvchain.chaos.linux import mount_small_disk, unmount
place = pathlib.Path(tempfile.mkdtemp())
(place / "below").write_text("of the large disk")
try:
    mount_small_disk(place, 1 << 20)
except OSError as error:
    print("not here:", error)
    sys.exit()
assert not list(place.iterdir())
try:
    (place / "large").write_bytes(bytes(2 << 20))
except OSError as error:
    assert error.errno == errno.ENOSPC, error
else:
    raise AssertionError("it has no end")
(place / "large").unlink()
(place / "small").write_bytes(bytes(1 << 10))
unmount(place)
assert [path.name for path in place.iterdir()] == ["below"]
(place / "below").unlink()
place.rmdir()
"""

LOST_PACKETS = """
import os, socket, sys
from mvchain.chaos.packets import Packets, address
try:
    packets = Packets([1, 2])
except OSError as error:
    print("not here:", error)
    sys.exit()


def heard(source, target, seconds):
    '''Whether a datagram of one node gets to the other.'''
    ready, tell = os.pipe()
    listener = os.fork()
    if not listener:
        packets.enter(target)
        with socket.socket(type=socket.SOCK_DGRAM) as ear:
            ear.bind((address(target), 5000))
            ear.settimeout(seconds)
            os.write(tell, b"!")
            try:
                ear.recv(10)
            except TimeoutError:
                os._exit(1)
            os._exit(0)
    os.read(ready, 1)
    if not (sender := os.fork()):
        packets.enter(source)
        with socket.socket(type=socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"?", (address(target), 5000))
        os._exit(0)
    assert os.waitpid(sender, 0)[1] == 0
    return os.waitpid(listener, 0)[1] == 0


assert heard(1, 2, 5) and heard(2, 1, 5)
packets.hold([1], [2])
assert not heard(1, 2, 0.3) and heard(2, 1, 5)
packets.heal()
assert heard(1, 2, 5)
packets.hold([1, 2], [1, 2])
assert not heard(1, 2, 0.3) and not heard(2, 1, 0.3)
packets.heal()
assert heard(1, 2, 5) and heard(2, 1, 5)
"""

MORTAL = """
import os, signal, subprocess, sys
from mvchain.chaos.linux import die_with_parent
child = subprocess.Popen(["sleep", "60"], preexec_fn=die_with_parent)
child.send_signal(signal.SIGSTOP)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("script", [SMALL_DISK, LOST_PACKETS], ids=["small disk", "lost packets"])
def test_what_a_process_makes_for_itself(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith(NOT_HERE):
        pytest.skip(done.stdout)


def test_a_paused_process_does_not_outlive_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MORTAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([child], [], [], 30)
    os.close(child)
    assert ended
