"""The front door: how much HAProxy does when Wherry tells it what, how soon a change of endpoints is known, and whether
requests get lost in changes."""
import json
import pathlib
import re
import subprocess
import tempfile
import time

from figures import TokenCluster, cpu_seconds, median, percentile, row
from cluster import eventually

HOST = "www.example.com"
SITE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: %(replicas)d
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      containers:
      - name: web
        image: nginx:latest
        imagePullPolicy: IfNotPresent
        readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s}
spec: {selector: {app: %(name)s}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %(name)s}
spec:
  rules:
  - host: %(host)s
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %(name)s, port: {number: 80}}}}]}
"""

# What somebody would write by hand for one host with one backend.
BARE = """
global
  user haproxy
  group haproxy
  chroot /var/lib/haproxy
  stats socket %(folder)s/bare.sock mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend web
  bind 0.0.0.0:81
  http-request set-header X-Forwarded-For %%[src]
  http-request set-header X-Real-IP %%[src]
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  http-request set-header X-Forwarded-Port %%[dst_port]
  http-request set-header X-Forwarded-Proto http
  use_backend web if { hdr(host) -i %(host)s }
backend web
  balance roundrobin
%(servers)s
"""


def allow(cluster):
    cluster.kubectl("create", "clusterrole", "slices", "--verb", "get,update", "--resource", "endpointslices.discovery.k8s.io")
    cluster.kubectl("create", "clusterrolebinding", "slices", "--clusterrole", "slices", "--group", "benches")


def site(cluster, name, replicas, host=HOST):
    cluster.kubectl("apply", "-f", "-", input=SITE % {"name": name, "replicas": replicas, "host": host})
    cluster.kubectl("rollout", "status", f"deployment/{name}", "--timeout", "120s", timeout=130)
    eventually(lambda: cluster.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Host: {host}",
                                   "http://192.0.2.2/", check=False) == "200", 30)


def pods(cluster, name):
    return [pod["status"]["podIP"] for pod in cluster.get("pods", "-l", f"app={name}")["items"]]


def requests_per_second(cluster, port, seconds=5):
    """Requests a second, and the CPU time of HAProxy for each."""
    pid = haproxy(cluster, port)
    before = cpu_seconds(pid)
    text = cluster.run("wrk", "-t1", "-c32", f"-d{seconds}", "-H", f"Host: {HOST}", f"http://192.0.2.2:{port}/")
    done = int(re.search(r"(\d+) requests in", text)[1])
    assert "Non-2xx" not in text, text
    return float(re.search(r"Requests/sec: +([\d.]+)", text)[1]), (cpu_seconds(pid) - before) / done * 1e6


def haproxy(cluster, port):
    words = "bare.cfg" if port == 81 else "ingress/haproxy.cfg"
    return next(pid for pid, line in cluster.processes().items() if line.startswith("haproxy") and words in line)


def measure_throughput():
    with TokenCluster() as cluster, tempfile.TemporaryDirectory() as folder:
        site(cluster, "web", 2)
        servers = "\n".join(f"  server s{i} {ip}:80" for i, ip in enumerate(pods(cluster, "web")))
        pathlib.Path(folder, "bare.cfg").write_text(BARE % {"folder": folder, "host": HOST, "servers": servers})
        bare = subprocess.Popen(cluster.inside("haproxy", "-db", "-f", f"{folder}/bare.cfg"))
        try:
            eventually(lambda: cluster.run("curl", "-s", "-H", f"Host: {HOST}", "http://192.0.2.2:81/", check=False), 20)
            ours, theirs = [], []
            for _ in range(5):
                theirs.append(requests_per_second(cluster, 81))
                ours.append(requests_per_second(cluster, 80))
        finally:
            bare.terminate()
            bare.wait()
    ratios = [a[0] / b[0] * 100 for a, b in zip(ours, theirs)]
    row("requests through an Ingress, of bare HAProxy's", f"{median(ratios):.0f} % ({min(ratios):.0f}-{max(ratios):.0f})",
        "90 %", f"5 rounds of 5 s each in turn, wrk -c32, nginx pods; {median([a[0] for a in ours]):.0f} and "
        f"{median([b[0] for b in theirs]):.0f} requests/s")
    row("HAProxy's CPU time for a request, ours and bare",
        f"{median([a[1] for a in ours]):.1f} us, {median([b[1] for b in theirs]):.1f} us", "", "the same rounds")


# Answers with its port, on kept connections.
BACKEND = r'''
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
'''
SWITCHED = """
apiVersion: v1
kind: Service
metadata: {name: switch}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: switch, labels: {kubernetes.io/service-name: switch}}
addressType: IPv4
ports: [{port: 9001}]
endpoints: [{addresses: [192.0.2.2]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: switch}
spec:
  rules:
  - host: www.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: switch, port: {number: 80}}}}]}
"""

# Asks in a tight loop on one kept connection who answers, while an EndpointSlice is switched between two: how long after
# its write was acknowledged a request began that the former one answered, and how many failed.
SWITCH = r'''
import http.client
rounds = int(sys.argv[1])
path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/switch"
session, late, failed = Session(), [], 0
front = http.client.HTTPConnection("192.0.2.2", 80)
def ask():
    front.request("GET", "/", headers={"Host": "www.example.com"})
    answer = front.getresponse()
    return answer.status, answer.read().decode()
slice = session.call("GET", path)
for i in range(rounds):
    port = 9002 if i % 2 == 0 else 9001
    slice["ports"][0]["port"] = port
    slice = session.call("PUT", path, json.dumps(slice))
    last = written = time.monotonic()
    while True:
        began = time.monotonic()
        status, answer = ask()
        failed += status != 200
        if answer == str(port): break
        last = began
    late.append(last - written)
print(json.dumps([late, failed]))
'''


def measure_switch(inside_python, rounds=200):
    with TokenCluster() as cluster:
        allow(cluster)
        backends = [subprocess.Popen(cluster.inside("/usr/bin/python3", "-c", BACKEND, str(port)), stderr=subprocess.DEVNULL) for port in (9001, 9002)]
        try:
            cluster.kubectl("apply", "-f", "-", input=SWITCHED)
            eventually(lambda: cluster.run("curl", "-s", "-H", f"Host: {HOST}", "http://192.0.2.2/", check=False) == "9001", 20)
            late, failed = inside_python(cluster, SWITCH, str(rounds))
        finally:
            for backend in backends:
                backend.terminate()
                backend.wait()
    row("a change of an EndpointSlice, to the last request that went the old way",
        f"p50 {percentile(late, 0.5) * 1000:.1f} ms, p99 {percentile(late, 0.99) * 1000:.1f} ms, {failed} failed", "p99 20 ms",
        f"{rounds} changes; from the answer of the write to when the request began")


# One client: asks on a kept connection, and makes another one when that is closed between two requests, as every client
# does. Everything but an answer of 200 is a failure. Goes on until it has asked often enough and its stdin ends, but for ten
# times as many requests at most.
CLIENT = r'''
import http.client, json, os, sys, threading
enough, asked, failures, closed = int(sys.argv[1]), 0, [], 0
end = threading.Thread(target=os.read, args=(0, 1), daemon=True)
end.start()
front = http.client.HTTPConnection("192.0.2.2", 80, timeout=30)
while asked < enough or (end.is_alive() and asked < 10 * enough):
    asked += 1
    for attempt in (1, 2):
        fresh = front.sock is None
        try:
            front.request("GET", "/", headers={"Host": "www.example.com"})
            answer = front.getresponse()
            answer.read()
            if answer.status != 200: failures.append(answer.status)
            break
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            front.close()
            closed += 1
            if not fresh and attempt == 1: continue
            failures.append(repr(error))
            break
        except Exception as error:
            front.close()
            failures.append(repr(error))
            break
print(json.dumps([failures, closed, asked]))
'''


def measure_loss(requests=200_000, clients=4):
    with TokenCluster() as cluster:
        site(cluster, "web", 3)
        load = [subprocess.Popen(cluster.inside("/usr/bin/python3", "-c", CLIENT, str(requests // clients)),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
        began, reloads, changes = time.monotonic(), 0, 0
        try:
            for i in range(24):
                if reloads < 20:
                    cluster.kubectl("create", "ingress", f"other-{i}", f"--rule=other-{i}.example.com/*=web:80")
                    reloads += 1
                for replicas in (5, 3):  # two pods come, one after the other, and two go
                    cluster.kubectl("scale", "deployment/web", f"--replicas={replicas}")
                    cluster.kubectl("rollout", "status", "deployment/web", "--timeout", "60s")
                    changes += 2
            cluster.kubectl("rollout", "restart", "deployment/web")
            cluster.kubectl("rollout", "status", "deployment/web", "--timeout", "120s", timeout=130)
            changes += 6
            early = [client.poll() is not None for client in load]
            results = [json.loads(client.communicate(timeout=900)[0]) for client in load]
        finally:
            for client in load:
                client.kill()
    failures = [failure for failed, _, _ in results for failure in failed]
    asked, closed = sum(asked for _, _, asked in results), sum(closed for _, closed, _ in results)
    row(f"requests lost of {asked:,} in {changes} changes of endpoints, {reloads} reloads and a rolling update",
        f"{len(failures)}", "0", f"{clients} clients on kept connections, {closed} of them closed "
        f"between two requests; the changes took {time.monotonic() - began:.0f} s"
        + (", the load ended before them" if any(early) else "") + (f"; {failures[:3]}" if failures else ""))
