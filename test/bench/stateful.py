"""StatefulSets: how long an ordered one takes with its volumes, and whether its pods find each other."""
import json
import subprocess

from figures import TokenCluster, percentile, row
from cluster import ROOT, WHERRY

OBJECT = """
apiVersion: v1
kind: Service
metadata: {name: %(name)s}
spec: {clusterIP: None, selector: {app: %(name)s}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %(name)s}
spec:
  replicas: 0
  podManagementPolicy: %(policy)s
  serviceName: %(name)s
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: c, image: "%(image)s:latest", imagePullPolicy: IfNotPresent, %(more)s}
"""
CLAIMED = OBJECT + """
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
"""

# Scales a set up, and waits for the event that says the last pod is Ready.
SCALED = r'''
name, count, up = sys.argv[1], int(sys.argv[2]), {}
watcher, session = Session(), Session()
version = session.call("GET", PODS)["metadata"]["resourceVersion"]
began = time.monotonic()
path = f"/apis/apps/v1/namespaces/default/statefulsets/{name}/scale"
scale = session.call("GET", path)
scale["spec"]["replicas"] = count
session.call("PUT", path, json.dumps(scale))
for event, when in watcher.watch(f"{PODS}?watch=1&resourceVersion={version}"):
    if ready(event["object"]): up.setdefault(event["object"]["metadata"]["name"], when - began)
    if len(up) == count: break
print(json.dumps(max(up.values())))
'''

# What runs in each pod: asks for all its peers, round after round from its first instruction, and tells the node when an
# answer changes: [when it began, ordinal, the answer, the one before, when that was last asked for, when this one came].
PEER = r'''
import json, os, socket, struct, time
began = time.monotonic()
server = [line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")][0]
service = os.environ["SERVICE"]
def question(name):
    return struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
questions = [question(f"{service}-{i}.{service}.default.svc.cluster.local") for i in range(int(os.environ["PEERS"]))]
dns, report = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.connect((server, 53))
dns.settimeout(5)
report.connect((os.environ["NODE"], 9999))
last, asked_at = [""] * len(questions), [began] * len(questions)
while True:
    for i, asked in enumerate(questions):
        before = time.monotonic()
        dns.send(asked)
        data = dns.recv(4096)
        got = ".".join(map(str, data[len(asked) + 12:len(asked) + 16])) if data[7] else ""
        if got != last[i]: report.send(json.dumps([began, i, got, last[i], asked_at[i], time.monotonic()]).encode())
        last[i], asked_at[i] = got, before
    time.sleep(0.001)
'''

# Deletes one pod after the other, and compares what their peers were told with what a watch says.
CHURN = r'''
name, peers, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
reports = []
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
collector.bind(("0.0.0.0", 9999))
def collect():
    while True: reports.append(json.loads(collector.recv(4096)))
threading.Thread(target=collect, daemon=True).start()
ready_at, gone_at, pods = {}, {}, {}
def follow():
    for event, when in Session().watch(f"{PODS}?watch=1"):
        pod, uid = event["object"], event["object"]["metadata"]["uid"]
        if event["type"] == "DELETED": gone_at[uid] = when
        elif ready(pod) and uid not in ready_at:
            pods[uid] = (int(pod["metadata"]["name"].rsplit("-", 1)[1]), pod["status"]["podIP"])
            ready_at[uid] = when
threading.Thread(target=follow, daemon=True).start()
session = Session()
path = f"/apis/apps/v1/namespaces/default/statefulsets/{name}/scale"
scale = session.call("GET", path)
scale["spec"]["replicas"] = peers
session.call("PUT", path, json.dumps(scale))
def wait_whole():
    deadline = time.monotonic() + 60
    while len(ready_at) - len(gone_at) != peers or len(gone_at) < deleted:
        if time.monotonic() > deadline: raise SystemExit(f"{len(ready_at)} came, {len(gone_at)} went")
        time.sleep(0.002)
    time.sleep(0.2)
deleted = 0
wait_whole()
for i in range(rounds):
    session.call("DELETE", f"{PODS}/{name}-{i % peers}")
    deleted += 1
    wait_whole()
owner = {(ordinal, ip): uid for uid, (ordinal, ip) in pods.items()}
came, left, wrong = [], [], 0
for began, ordinal, got, before, asked, answered in reports:
    for ip in (got, before):
        wrong += ip != "" and (ordinal, ip) not in owner
    if (ordinal, got) in owner and began < ready_at[owner[ordinal, got]]: came.append(answered - ready_at[owner[ordinal, got]])
    if owner.get((ordinal, before)) in gone_at: left.append(asked - gone_at[owner[ordinal, before]])
print(json.dumps({"came": came, "left": left, "wrong": wrong}))
'''


def allow(cluster):
    cluster.kubectl("create", "clusterrole", "bench-sets", "--verb", "*", "--resource", "pods,statefulsets.apps/scale")
    cluster.kubectl("create", "clusterrolebinding", "bench-sets", "--clusterrole", "bench-sets", "--group", "benches")


def measure_ordered(inside_python):
    with TokenCluster() as cluster:
        allow(cluster)
        for name, count in (("warm", 1), ("web", 20)):
            cluster.kubectl("create", "-f", "-", input=CLAIMED % {"name": name, "policy": "OrderedReady", "image": "nginx", "more": "volumeMounts: [{name: data, mountPath: /data}]"})
            took = inside_python(cluster, SCALED, name, str(count))
        row("an ordered StatefulSet of 20 with volumes, all Ready", f"{took:.2f} s", "3 s beyond the program's own start",
            "nginx, a claim of the default class each; from before the scale subresource is written to the watch event of the last")


def measure_peers(inside_python, rounds=30, peers=5):
    subprocess.run(["/usr/bin/python3", str(ROOT / "tools/images/build-images"), str(ROOT / "build/test-images"), str(ROOT / "test/images/stateful.json")],
                   check=True, stderr=subprocess.DEVNULL)
    more = (f'command: [python3.11, -c, {json.dumps(PEER)}], env: [{{name: SERVICE, value: NAME}}, {{name: PEERS, value: "{peers}"}}, '
            "{name: NODE, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}]")
    for policy in ("Parallel", "OrderedReady"):
        with TokenCluster(images=False) as cluster:
            allow(cluster)
            cluster.run(WHERRY, "image", "import", str(ROOT / "build/test-images/grpc.tar"))
            name = policy.lower()
            cluster.kubectl("create", "-f", "-", input=OBJECT % {"name": name, "policy": policy, "image": "grpc", "more": more.replace("NAME", name)})
            seen = inside_python(cluster, CHURN, name, str(peers), str(rounds))
        how = (f"{peers} pods that ask for each other all the time, {rounds} of them deleted one after the other; {len(seen['came'])} names seen to come, "
               f"{len(seen['left'])} to go, against the watch events at a client; wrong addresses {seen['wrong']}")
        row(f"{policy} StatefulSet: a peer's Ready to its name", f"p50 {percentile(seen['came'], 0.5) * 1000:.1f} ms, p99 {percentile(seen['came'], 0.99) * 1000:.1f} ms",
            "p99 50 ms", how)
        row(f"{policy} StatefulSet: the last answer for a peer that is gone", f"max {max(seen['left']) * 1000:.1f} ms", "50 ms", "the same; negative: before it was gone")
