"""A command at a pseudo-terminal, as a user types it. Standard library only."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """with Terminal(argv, env, rows, columns) as terminal: type, expect, resize; killed at the end if it still runs."""

    def __init__(self, argv, env=None, rows=24, columns=80):
        self.master, worker = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(argv, env=env, stdin=worker, stdout=worker, stderr=worker,
                                        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        os.close(worker)
        self.text, self.at = "", 0  # all that came, and up to where it was expected

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, seconds=20):
        """Waits until what was printed since the last call matches, and returns the match."""
        deadline = time.monotonic() + seconds
        while not (match := re.compile(pattern, re.S).search(self.text, self.at)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {pattern!r} in {self.text[self.at:]!r}")
        self.at = match.end()
        return match

    def run(self, command, pattern, prompt="# "):
        """Types a command and returns what matches `pattern` in its output, up to the next prompt."""
        self.type(command + "\r")
        return self.expect(re.escape(command) + r".*?" + pattern + ".*?" + re.escape(prompt))

    def wait(self, seconds=20):
        """The exit status; all output has been read then."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds):
        if seconds <= 0 or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody holds the terminal any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)
