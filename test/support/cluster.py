"""A whole cluster in a fresh test host, for the tests that run against the real binary. Standard library only."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WHERRY = str(ROOT / "build/release/wherry")
TESTHOST = str(ROOT / "test/support/testhost")
KUBECTL = str(ROOT / "build/kubectl/1.32/kubectl")


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

    def start(self, wait=True):
        with open(self.folder + "/wherry.log", "ab") as log:
            # exec: the process that is killed is the server itself
            self.server = subprocess.Popen(self.inside(WHERRY, "server", *self.flags), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=self.env)
        if wait:
            self.run(WHERRY, "status", "--wait-ready", "--timeout", "30s")

    def stop(self, how=signal.SIGTERM):
        """Ends the server and waits for its end; kill -9 with SIGKILL."""
        self.server.send_signal(how)
        self.server.wait(20)

    def import_images(self):
        for image in sorted((ROOT / "build/images").glob("*.tar")):
            self.run(WHERRY, "image", "import", str(image))

    def log(self):
        return pathlib.Path(self.folder, "wherry.log").read_text(errors="replace")[-6000:]

    def destroy(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(15)
            except subprocess.TimeoutExpired:
                self.server.kill()
        subprocess.run([TESTHOST, "destroy", self.host])
        subprocess.run(["rm", "-rf", self.folder])


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
