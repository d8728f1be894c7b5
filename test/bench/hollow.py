"""Many pods on nodes without containers: what the API server, the controllers and the scheduler make of them."""
import json
import subprocess

from cluster import WHERRY, eventually
from figures import TokenCluster, cpu_seconds, row

NODES = 10
PODS, JOBS = "/api/v1/namespaces/default/pods", "/apis/batch/v1/namespaces/default/jobs"

# Follows the pods of the namespace; prints when the last one was made, had its node, and was in its last state.
FOLLOW = r'''
count, last = int(sys.argv[1]), sys.argv[2]
made, bound, done = {}, {}, {}
print(json.dumps("follows"), flush=True)
for event, when in Session().watch(f"{PODS}?watch=1"):
    pod, name = event["object"], event["object"]["metadata"]["name"]
    made.setdefault(name, when)
    if pod["spec"].get("nodeName"): bound.setdefault(name, when)
    if pod.get("status", {}).get("phase") == last: done.setdefault(name, when)
    if len(done) == count: break
print(json.dumps([max(made.values()), max(bound.values()), max(done.values())]))
'''

# The same for Jobs: when the last one was made, and when it was complete.
FOLLOW_JOBS = r'''
count = int(sys.argv[1])
made, done = {}, {}
print(json.dumps("follows"), flush=True)
for event, when in Session().watch("/apis/batch/v1/namespaces/default/jobs?watch=1"):
    job, name = event["object"], event["object"]["metadata"]["name"]
    made.setdefault(name, when)
    if any(c["type"] == "Complete" and c["status"] == "True" for c in job.get("status", {}).get("conditions", [])): done.setdefault(name, when)
    if len(done) == count: break
print(json.dumps([max(made.values()), max(done.values())]))
'''

# Several at once over connections of their own.
CREATE = r'''
path, count, body = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def make(first):
    session = Session()
    for i in range(first, count, 8): session.call("POST", path, body.replace("NAME", f"bench-{i}"))
threads = [threading.Thread(target=make, args=(i,)) for i in range(8)]
began = time.monotonic()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(began))
'''

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bench"},
              "spec": {"replicas": 1000, "selector": {"matchLabels": {"app": "bench"}},
                       "template": {"metadata": {"labels": {"app": "bench"}}, "spec": {"containers": [
                           {"name": "c", "image": "nginx:latest", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}}}

JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "bench"},
       "spec": {"completions": 10_000, "parallelism": 500, "template": {"spec": {"restartPolicy": "Never", "containers": [
           {"name": "c", "image": "busybox:latest", "resources": {"requests": {"cpu": "10m"}}}]}}}}

POST = r'''
session, began = Session(), time.monotonic()
session.call("POST", sys.argv[1], sys.argv[2])
print(json.dumps(began))
'''

SMALL_JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "NAME"}, "spec": {"template": {"spec": {
    "restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:latest", "resources": {"requests": {"cpu": "10m"}}}]}}}}

FINISHED = {"metadata": {"name": "NAME"}, "spec": {"restartPolicy": "Never", "containers": [
    {"name": "c", "image": "busybox:latest", "resources": {"requests": {"cpu": "10m"}}}]}}


class Hull:
    """A cluster whose pods all go to hollow nodes."""

    def __init__(self, session, max_pods):
        self.session, self.max_pods = session, max_pods
        self.cluster = TokenCluster(images=False, more_flags=["--disable", "proxy,dns"])

    def __enter__(self):
        self.cluster.__enter__()
        try:
            self.start_nodes()
        except BaseException:
            self.cluster.__exit__()
            raise
        return self

    def start_nodes(self):
        self.cluster.kubectl("cordon", "-l", "!wherry.dev/hollow-node")
        self.hull = subprocess.Popen(self.cluster.inside(WHERRY, "hollow-node", "--count", str(NODES), "--max-pods", str(self.max_pods)),
                                     env=self.cluster.env)
        eventually(lambda: len(self.cluster.get("nodes", "-l", "wherry.dev/hollow-node=true")["items"]) == NODES)

    def __exit__(self, *_):
        self.hull.terminate()
        self.hull.wait()
        self.cluster.__exit__()

    def python(self, source, *arguments):
        return subprocess.Popen(self.cluster.inside("/usr/bin/python3", "-c", self.session + source, *arguments), env=self.cluster.env,
                                stdout=subprocess.PIPE, text=True)

    def measure(self, follower, source, *arguments):
        """Seconds from the first request until each of the times that the follower prints; and the server's CPU for it."""
        follow = self.python(*follower)
        follow.stdout.readline()
        cpu = cpu_seconds(self.cluster.server.pid)
        began = json.loads(self.python(source, *arguments).communicate(timeout=300)[0])
        times = json.loads(follow.communicate(timeout=300)[0])
        return [when - began for when in times] + [cpu_seconds(self.cluster.server.pid) - cpu]


def measure_deployment(session, count=1000):
    with Hull(session, 2 * count // NODES) as hull:
        made, bound, ready, cpu = hull.measure((FOLLOW, str(count), "Running"), POST, "/apis/apps/v1/namespaces/default/deployments", json.dumps(DEPLOYMENT))
        row(f"a Deployment of {count:,} pods, all with their node", f"{bound:.2f} s (made {made:.2f} s, Running {ready:.2f} s; "
            f"{cpu:.1f} s of CPU)", "2 s", f"{NODES} hollow nodes; from before the POST to a client's watch; all on the same two cores")


def measure_finished(session, count=10_000):
    with Hull(session, 2 * count // NODES) as hull:
        made, bound, done, cpu = hull.measure((FOLLOW, str(count), "Succeeded"), CREATE, PODS, str(count), json.dumps(FINISHED))
        row(f"{count:,} pods that end at once, all Succeeded", f"{done:.1f} s (made {made:.1f} s, bound {bound:.1f} s; "
            f"{cpu:.1f} s of CPU)", "60 s", f"{NODES} hollow nodes; POSTs over 8 connections by Python on the same two cores")


def measure_job(session, count=10_000):
    with Hull(session, 2 * count // NODES) as hull:
        made, _, done, cpu = hull.measure((FOLLOW, str(count), "Succeeded"), POST, JOBS, json.dumps(JOB))
        row(f"a Job of {count:,} pods, 500 at a time, all Succeeded", f"{done:.1f} s (made {made:.1f} s; {cpu:.1f} s of CPU)", "60 s",
            f"{NODES} hollow nodes; from before the POST to a client's watch; all on the same two cores")


def measure_jobs(session, count=10_000):
    with Hull(session, 2 * count // NODES) as hull:
        made, done, cpu = hull.measure((FOLLOW_JOBS, str(count)), CREATE, JOBS, str(count), json.dumps(SMALL_JOB))
        row(f"{count:,} Jobs of one pod, all Complete", f"{done:.1f} s (made {made:.1f} s; {cpu:.1f} s of CPU)", "60 s",
            f"{NODES} hollow nodes; POSTs over 8 connections by Python; all on the same two cores")
