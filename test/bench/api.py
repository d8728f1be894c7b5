"""The API's figures: reads beside nginx, durable writes, many watchers, many objects."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from figures import TOKEN, TokenCluster, memory_kb, median, row
from cluster import ROOT, eventually

API = "https://127.0.0.1:6443"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


# -- reads, beside nginx --------------------------------------------------------------------------------------------

NGINX = """daemon off; user root; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; keepalive_requests 1000000; types {{ application/json json; }}
  server {{ listen 127.0.0.1:8443 ssl http2; ssl_certificate {folder}/lib/pki/apiserver.crt;
    ssl_certificate_key {folder}/lib/pki/apiserver.key; ssl_protocols TLSv1.3; location / {{ root {folder}; }} }} }}"""


def wrk(cluster, url, *more, seconds=5):
    out = cluster.run("wrk", "-t2", "-c64", f"-d{seconds}s", "-H", f"Authorization: Bearer {TOKEN}", *more, url)
    if "Non-2xx" in out:
        raise AssertionError(out)
    return float(re.search(r"Requests/sec: +([\d.]+)", out)[1])


def h2load(cluster, url):
    out = cluster.run("h2load", "-t2", "-c64", "-m1", "-D5", "-H", f"Authorization: Bearer {TOKEN}", url)
    return float(re.search(r"([\d.]+) req/s", out)[1])


def measure_beside_nginx(cluster, what, path, aim, tools):
    body, folder = cluster.kubectl("get", "--raw", path), cluster.host
    pathlib.Path(folder, "object.json").write_text(body)
    conf = pathlib.Path(folder, "nginx.conf")
    conf.write_text(NGINX.format(folder=folder))
    os.chmod(cluster.folder, 0o755)
    nginx = subprocess.Popen(cluster.inside("nginx", "-c", str(conf)), stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: cluster.run("curl", "-sk", "https://127.0.0.1:8443/object.json") == body)
        for name, tool in tools.items():
            ours, theirs = [], []
            for _ in range(5):
                ours.append(tool(cluster, API + path))
                theirs.append(tool(cluster, "https://127.0.0.1:8443/object.json"))
            share = median([a / b for a, b in zip(ours, theirs)]) * 100
            row(f"{what} ({len(body):,} bytes) at 64 connections ({name})",
                f"{median(ours):,.0f}/s, nginx {median(theirs):,.0f}/s: {share:.0f} %", aim,
                "median of 5 interleaved runs of 5 s; the same bytes, the same two cores as the load")
    finally:
        nginx.terminate()
        nginx.wait()


def measure_get():
    with TokenCluster(images=False) as cluster:
        cluster.kubectl("create", "configmap", "bench", "--from-literal", "data=" + "x" * 1500)
        measure_beside_nginx(cluster, "GET of a ConfigMap", CONFIGMAPS + "/bench", "70 % of nginx",
                             {"HTTP/1.1, wrk": wrk, "HTTP/2, h2load": h2load})


def measure_list():
    with TokenCluster(images=False) as cluster:
        items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"bench-{i}"}, "data": {"x": "x" * 1100}}
                 for i in range(500)]
        cluster.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        measure_beside_nginx(cluster, "LIST of 500 ConfigMaps", CONFIGMAPS, "80 % of nginx", {"HTTP/1.1, wrk": wrk})


# -- writes ---------------------------------------------------------------------------------------------------------

# Objects with names of their own; once there are enough, GETs of the first one.
CREATE_LUA = """
local ids = 0
function setup(thread) thread:set("id", ids); ids = ids + 1 end
function init(args) made, run = 0, os.time() end
function request()
  made = made + 1
  if made > LIMIT then return wrk.format("GET", "PATH") end
  local body = ([[BODY]]):gsub("NAME", string.format("bench-%d-%d-%d", run, id, made))
  return wrk.format("POST", "PATH", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer TOKEN"}, body)
end
"""


def create_script(cluster, path, body, limit=1 << 30):
    text = CREATE_LUA.replace("PATH", path).replace("BODY", json.dumps(body)).replace("LIMIT", str(limit)).replace("TOKEN", TOKEN)
    file = pathlib.Path(cluster.folder, "create.lua")
    file.write_text(text)
    return str(file)


def measure_create():
    with TokenCluster(images=False) as cluster:
        script = create_script(cluster, CONFIGMAPS, {"metadata": {"name": "NAME"}, "data": {"x": "x" * 900}})
        rates = [wrk(cluster, API, "-s", script) for _ in range(3)]
        row("CREATE of a ConfigMap (1 KB) at 64 connections, each durable", f"{median(rates):,.0f}/s", "10,000/s",
            "median of 3 runs of 5 s; wrk on the same two cores")


# -- many watchers --------------------------------------------------------------------------------------------------

def api_load(cluster, *arguments, **options):
    """The client of api_load.cc; compiled when it is not there yet."""
    source, program = ROOT / "test/bench/api_load.cc", ROOT / "build/bench/api_load"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["g++", "-std=c++20", "-O2", "-o", str(program), str(source), "-lssl", "-lcrypto", "-lfmt"], check=True)
    mode, *rest = arguments
    return [str(program), mode, "6443", TOKEN, *map(str, rest)]


def measure_watch(watchers=1000, rate=50, seconds=20):
    with TokenCluster(images=False) as cluster:
        before = memory_kb(cluster.server.pid)[0]
        load = subprocess.Popen(cluster.inside(*api_load(cluster, "watch", watchers, rate, seconds)), stdout=subprocess.PIPE, text=True)
        time.sleep(seconds / 2)  # in the middle of it
        each = (memory_kb(cluster.server.pid)[0] - before) / watchers
        seen = json.loads(load.communicate(timeout=seconds + 60)[0])
        row(f"{watchers:,} watchers, {rate} changes a second each", f"{seen['count']:,} of {seen['expected']:,} events; "
            f"p50 {seen['p50']:.1f} ms, p99 {seen['p99']:.1f} ms, max {seen['max']:.1f} ms", "all, p99 10 ms",
            f"{seconds} s; from before the PUT to the watcher's read, on the same two cores")
        row("a watcher's connection: memory", f"{each:.0f} KB", "30 KB", "PSS, while the events come")


# -- many objects ---------------------------------------------------------------------------------------------------

SCALE_POD = {"metadata": {"name": "NAME", "labels": {"app": "bench", "pod-template-hash": "5d59d67564"},
                          "annotations": {"example.com/checksum": "x" * 600}},
             "spec": {"nodeName": "bench-node", "containers": [
                 {"name": "main", "image": "example.com/team/program:v1.2.3", "ports": [{"containerPort": 8080}],
                  "env": [{"name": f"SETTING_{i}", "value": "some value"} for i in range(8)],
                  "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                  "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}}]}}
SCALE_NODE = {"metadata": {"name": "NAME", "labels": {"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "a"}},
              "spec": {"podCIDR": "10.244.0.0/24"}}


def make_many(cluster, path, body, count):
    """By wrk's two threads, half each (a thread throws its first request away); how many there are then."""
    wrk(cluster, API, "-s", create_script(cluster, path, body, count // 2 + 1), seconds=max(5, count // 2000))
    return int(re.search(r'"remainingItemCount":(\d+)', cluster.kubectl("get", "--raw", path + "?limit=1"))[1]) + 1


def walk(cluster, path):
    """Lists all in pages of 500: how many pages, and in what time."""
    began, pages, token = time.monotonic(), 0, ""
    script = """
import http.client, re, ssl, sys
connection, pages, token = http.client.HTTPSConnection("127.0.0.1", 6443, context=ssl._create_unverified_context()), 0, ""
while pages == 0 or token:
    connection.request("GET", f"{sys.argv[1]}?limit=500&continue={token}", None, {"Authorization": "Bearer " + sys.argv[2]})
    found = re.search(rb'"continue":"([^"]*)"', connection.getresponse().read())
    token, pages = found[1].decode() if found else "", pages + 1
print(pages)
"""
    pages = int(cluster.run("/usr/bin/python3", "-c", script, path, TOKEN))
    return pages, time.monotonic() - began


def measure_scale(pods=150_000, nodes=5_000):
    pods_path, nodes_path = "/api/v1/namespaces/default/pods", "/api/v1/nodes"
    with TokenCluster(images=False, more_flags=["--only", "api"]) as cluster:
        made_nodes, made = make_many(cluster, nodes_path, SCALE_NODE, nodes), make_many(cluster, pods_path, SCALE_POD, pods)
        first = json.loads(cluster.kubectl("get", "--raw", pods_path + "?limit=1"))["items"][0]
        pss = memory_kb(cluster.server.pid)[0]
        size = len(json.dumps(first, separators=(",", ":")))
        row(f"{made:,} pods and {made_nodes:,} nodes: memory", f"{pss / 1024:,.0f} MB PSS", "1,000 MB", f"a pod is {size:,} bytes of JSON")
        path = f"{pods_path}/{first['metadata']['name']}"
        load = subprocess.Popen(cluster.inside(*api_load(cluster, "get", 200, 10, path)), stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        pages, took = walk(cluster, pods_path)
        gets = json.loads(load.communicate(timeout=60)[0])
        row(f"{made:,} pods listed in pages of 500", f"{pages} pages in {took:.1f} s; a GET beside it p99 {gets['p99']:.1f} ms, "
            f"max {gets['max']:.1f} ms", "a GET within 5 ms", "200 GETs a second; the lister is Python on the same two cores")
        cluster.stop(signal.SIGKILL)
        began = time.monotonic()
        cluster.start(wait=False)
        eventually(lambda: "items" in cluster.run("curl", "-sk", "-H", f"Authorization: Bearer {TOKEN}", f"{API}{pods_path}?limit=500", check=False), 60)
        row(f"restart after kill -9 with {made:,} pods", f"{time.monotonic() - began:.1f} s", "3 s", "to the first page of 500 served")
