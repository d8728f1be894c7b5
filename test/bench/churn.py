"""Names of a headless Service asked for in a tight loop, while its pods come and go."""
import json

from figures import TokenCluster, percentile, row

PODS, AT_ONCE = 200, 5

# One process asks for the names of the pods under way as fast as it can, and notes when an answer changes; the other one
# makes and deletes pods, and notes when a watch says Ready and DELETED. Both read the same clock.
CHURN = r'''
import multiprocessing
count, at_once, template = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
window = multiprocessing.Array("i", [0, 0])  # asked for are those from the first up to, not including, the second

def question(name):
    return struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)

def address(data, asked):
    """Of a response with one A record, which stands right behind the question; the owner is a pointer to it."""
    return ".".join(map(str, data[asked + 12:asked + 16])) if data[7] else ""

def keep_asking(pipe):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(("10.96.0.10", 53))
    questions = [question(f"pod-{i}.bench.default.svc.cluster.local") for i in range(count)]
    last, changes, total = {}, [], 0
    while window[0] < count:
        for i in range(window[0], window[1]):
            before = time.monotonic()
            s.send(questions[i])
            got = address(s.recv(4096), len(questions[i]))
            total += 1
            if got != last.get(i, ""):
                changes.append((i, got, last.get(i, ""), before, time.monotonic()))
                last[i] = got
    pipe.send((changes, total))

ready_at, gone_at, ip_of = {}, {}, {}
def follow():
    for event, when in Session().watch(f"{PODS}?watch=1"):
        pod = event["object"]
        i = int(pod["metadata"]["name"].split("-")[1])
        if event["type"] == "DELETED":
            gone_at[i] = when
            if len(gone_at) == count: return
        elif ready(pod) and i not in ready_at:
            ip_of[i] = pod["status"]["podIP"]
            ready_at[i] = when

ours, theirs = multiprocessing.Pipe()
asking = multiprocessing.Process(target=keep_asking, args=(theirs,))
asking.start()
watching = threading.Thread(target=follow)
watching.start()
session = Session()
def delete(i):
    while i not in ready_at: time.sleep(0.001)
    time.sleep(0.05)  # served for a while
    session.call("DELETE", f"{PODS}/pod-{i}")
    while i not in gone_at: time.sleep(0.001)
    time.sleep(0.05)  # and asked for after its end
    window[0] = i + 1
for i in range(count):
    if i >= at_once: delete(i - at_once)
    window[1] = i + 1
    session.call("POST", PODS, template.replace("NAME", f"pod-{i}"))
for i in range(count - at_once, count): delete(i)
watching.join()
changes, total = ours.recv()
asking.join()
came, stayed, wrong = {}, {}, 0
for i, got, before, asked, answered in changes:
    if got:
        came.setdefault(i, answered)
        wrong += got != ip_of[i]
    if before: stayed[i] = asked  # the last answer was still right a round before
print(json.dumps({"total": total, "wrong": wrong, "unseen": count - len(came), "came": [came[i] - ready_at[i] for i in came],
                  "left": [stayed[i] - gone_at[i] for i in stayed], "stuck": len(came) - len(stayed)}))
'''

TEMPLATE = json.dumps({"metadata": {"name": "NAME", "labels": {"app": "bench"}}, "spec": {
    "hostname": "NAME", "subdomain": "bench", "terminationGracePeriodSeconds": 1,
    "containers": [{"name": "c", "image": "nginx:latest", "imagePullPolicy": "IfNotPresent"}]}})


def measure_churn(inside_python, service):
    with TokenCluster() as cluster:
        cluster.kubectl("create", "clusterrole", "bench-pods", "--verb", "*", "--resource", "pods")
        cluster.kubectl("create", "clusterrolebinding", "bench-pods", "--clusterrole", "bench-pods", "--group", "benches")
        cluster.run("kubectl", "apply", "-f", "-", input=service % ("bench", '"clusterIP":"None",'))
        seen = inside_python(cluster, CHURN, str(PODS), str(AT_ONCE), TEMPLATE, timeout=600)
    how = (f"{PODS} pods, {AT_ONCE} at a time, made and deleted while one process asks for their names, {seen['total']:,} questions; "
           f"against the watch events at a client; wrong addresses {seen['wrong']}, names never seen {seen['unseen']}, never gone {seen['stuck']}")
    row("pod Ready to its name, asked for in a tight loop", f"p50 {percentile(seen['came'], 0.5) * 1000:.1f} ms, p99 {percentile(seen['came'], 0.99) * 1000:.1f} ms",
        "p99 20 ms", how)
    row("the last answer for a pod, after the pod is gone", f"p50 {percentile(seen['left'], 0.5) * 1000:.1f} ms, max {max(seen['left']) * 1000:.1f} ms",
        "20 ms", "the same; negative: before it was gone")
