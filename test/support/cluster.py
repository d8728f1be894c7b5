"""A whole cluster in a fresh test host, for the tests that run against the real binary. Standard library only."""
import base64
import ctypes
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WHERRY = str(ROOT / "build/release/wherry")
TESTHOST = str(ROOT / "test/support/testhost")
KUBECTL = str(ROOT / "build/kubectl/1.32/kubectl")

# Whoever runs the tests may have a fuller disk than a node should: pods that are evicted for it would fail them all.
FULL_DISK = ["--eviction-hard", "memory.available<100Mi,nodefs.available<1%,nodefs.inodesFree<1%"]


class Cluster:
    """with Cluster() as cluster: a server that is ready, with the walkthrough's images, removed at the end."""

    def __init__(self, kubectl=None, flags=(), images=True):
        self.flags, self.images, self.server = list(flags), images, None
        self.folder = tempfile.mkdtemp(prefix="wherry-test-")
        os.chmod(self.folder, 0o755)
        self.host = os.path.join(self.folder, "host")
        os.mkdir(self.folder + "/bin")
        os.symlink(kubectl or KUBECTL, self.folder + "/bin/kubectl")
        self.env = dict(os.environ, KUBECONFIG="/var/lib/wherry/admin.kubeconfig", HOME=self.folder,
                        PATH=f"{self.folder}/bin:{ROOT}/build/release:{os.environ['PATH']}")
        subprocess.run([TESTHOST, "create", self.host], check=True)

    def __enter__(self):
        try:
            self.start()
            if self.images:
                self.import_images()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_):
        self.destroy()

    def inside(self, *command):
        return [TESTHOST, "exec", self.host, *command]

    def run(self, *command, check=True, timeout=120, input=None):
        """Runs a command inside and returns what it printed."""
        done = subprocess.run(self.inside(*command), env=self.env, timeout=timeout, input=input, text=True,
                              stdin=None if input is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}")
        return done.stdout

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", *arguments, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def start(self, wait=True, **env):
        flags = self.flags if "--eviction-hard" in self.flags else [*FULL_DISK, *self.flags]
        with open(self.folder + "/wherry.log", "ab") as log:
            # exec: the process that is killed is the server itself
            self.server = subprocess.Popen(self.inside(WHERRY, "server", *flags), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=dict(self.env, **env))
        if wait:
            self.run(WHERRY, "status", "--wait-ready", "--timeout", "30s")

    def stop(self, how=signal.SIGTERM):
        """Ends the server and waits for its end; kill -9 with SIGKILL."""
        self.server.send_signal(how)
        self.server.wait(20)

    def dial(self, port, address="127.0.0.1", timeout=30):
        """A TCP connection that comes from inside."""
        made = []

        def connect():  # a thread's network namespace is its own, and a socket's that of where it was made
            try:
                with open(self.host + "/net") as net:
                    if ctypes.CDLL(None, use_errno=True).setns(net.fileno(), 0x40000000) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.create_connection((address, port), timeout))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def api(self):
        return Api(self)

    def processes(self):
        """Process id -> command line of all that run inside, containers and their conmons included."""
        group = "/wherry-test" + self.host.replace("/", "-")  # as testhost names it
        namespaces = {os.stat(f"{self.host}/{kind}").st_ino for kind in ("net", "mnt")}
        parents, inside, lines = {}, set(), {}
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                pid, stat = int(path.name), (path / "stat").read_text().rsplit(")", 1)[1].split()
                if stat[0] == "Z":
                    continue
                parents[pid], lines[pid] = int(stat[1]), (path / "cmdline").read_text().replace("\0", " ").strip()
                entered = {(path / "ns/net").stat().st_ino, (path / "ns/mnt").stat().st_ino} & namespaces
                if entered or group in (path / "cgroup").read_text():
                    inside.add(pid)
            except OSError:
                continue
        while grown := {pid for pid, parent in parents.items() if parent in inside} - inside:
            inside |= grown
        return {pid: lines[pid] for pid in inside}

    def import_images(self):
        for image in sorted((ROOT / "build/images").glob("*.tar")):
            self.run(WHERRY, "image", "import", str(image))

    def log(self):
        file = pathlib.Path(self.folder, "wherry.log")
        return file.read_text(errors="replace")[-6000:] if file.exists() else "no server was started"

    def destroy(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(15)
            except subprocess.TimeoutExpired:
                self.server.kill()
        subprocess.run([TESTHOST, "destroy", self.host])
        subprocess.run(["rm", "-rf", self.folder])


class Api:
    """The API as the administrator over one kept connection, for tests that can't wait for a kubectl each time."""

    def __init__(self, cluster):
        self.cluster, self.connection = cluster, None

    def _context(self):
        text = pathlib.Path(self.cluster.host, "lib/admin.kubeconfig").read_text()
        context = ssl._create_unverified_context()
        with tempfile.NamedTemporaryFile() as pem:
            for key in ("client-certificate-data", "client-key-data"):
                pem.write(base64.b64decode(re.search(rf'{key}: *"?([^"\s]+)', text)[1]) + b"\n")
            pem.flush()
            context.load_cert_chain(pem.name)
        return context

    def connect(self):
        sock = self._context().wrap_socket(self.cluster.dial(6443))
        self.connection = http.client.HTTPConnection("127.0.0.1")
        self.connection.sock = sock

    def call(self, method, path, body=None, type="application/json"):
        """Status and object. OSError when there is no server, or it ends meanwhile; the next call connects anew."""
        try:
            if self.connection is None or self.connection.sock is None:
                self.connect()
            self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": type})
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            raise OSError(str(error)) from error


def eventually(what, seconds=20):
    """Calls `what` until it answers something true, and returns that; AssertionError when it takes too long."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            last = what()
            if last:
                return last
        except (AssertionError, KeyError, IndexError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {last}")
