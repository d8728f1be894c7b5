"""The cluster DNS beside Knot and NSD, which serve the same names as a static zone."""
import pathlib
import random
import re
import shutil
import subprocess
import time

from figures import TokenCluster, cpu_seconds, median, memory_kb, percentile, row
from cluster import eventually

SERVICES, HEADLESS, ENDPOINTS = 9_000, 1_000, 10  # of each Service
ADDRESS = "10.96.0.10"
KNOT_PORT, NSD_PORT = 5301, 5302
ROUNDS, SECONDS = 5, 3

# Services of ten namespaces; every tenth is headless. Slices are kept by hand, so that no pod is needed.
OBJECTS = r'''
import concurrent.futures
services, headless, endpoints = map(int, sys.argv[1:4])
def make(worker, workers):
    session = Session()
    for i in range(worker, services + headless, workers):
        ns, name = f"bench-{i % 10}", f"service-{i}"
        spec = {"ports": [{"name": "http", "port": 80}]}
        if i < headless: spec["clusterIP"] = "None"
        session.call("POST", f"/api/v1/namespaces/{ns}/services", json.dumps({"metadata": {"name": name}, "spec": spec}))
        addresses = [f"10.{128 + (i * endpoints + e) // 65536}.{(i * endpoints + e) // 256 % 256}.{(i * endpoints + e) % 256}" for e in range(endpoints)]
        session.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices", json.dumps({
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses]}))
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda worker: make(worker, 4), range(4)))
print(json.dumps(services + headless))
'''

# Takes two endpoints of one headless Service after the other out and puts them back, at most so many such writes a second.
CHANGES = r'''
rate, seconds, headless, workers = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), 4
done = [0] * workers
def change(worker):
    session, slices = Session(), {}
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        i = (workers * count + worker) % headless
        path = f"/apis/discovery.k8s.io/v1/namespaces/bench-{i % 10}/endpointslices/service-{i}"
        if i not in slices: slices[i] = session.call("GET", path)
        for endpoint in slices[i]["endpoints"][:2]: endpoint["conditions"]["ready"] = not endpoint["conditions"]["ready"]
        slices[i] = session.call("PUT", path, json.dumps(slices[i]))
        count += 1
        time.sleep(max(0, began + count * workers / rate - time.monotonic()))
    done[worker] = count
threads = [threading.Thread(target=change, args=(worker,)) for worker in range(workers)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(sum(done)))
'''

KNOT = """server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
  udp-workers: 2
  tcp-workers: 1
  background-workers: 1
log:
- target: stderr
  any: error
database:
  storage: {folder}/knot-db
template:
- id: default
  storage: {folder}
  semantic-checks: off
  zonefile-sync: -1
zone:
- domain: cluster.local
  file: forward.zone
- domain: 10.in-addr.arpa
  file: reverse.zone
"""
NSD = """server:
  ip-address: 127.0.0.1@{port}
  reuseport: yes
  server-count: 2
  rrl-ratelimit: 0
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/nsd.list"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/nsd.xfrd"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
remote-control:
  control-enable: no
zone:
  name: cluster.local
  zonefile: forward.zone
zone:
  name: 10.in-addr.arpa
  zonefile: reverse.zone
"""


def is_cluster_ip(address):
    return 96 <= int(address.split(".")[1]) < 112


def write_zones(cluster, folder):
    """What we serve, as zone files."""
    zone = cluster.run("dig", "+onesoa", "+nocmd", "+nostats", "+nocomments", f"@{ADDRESS}", "cluster.local", "AXFR", timeout=300)
    (folder / "forward.zone").write_text(zone)
    reverse = ["10.in-addr.arpa. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 0",
                          "10.in-addr.arpa. 5 IN NS kube-dns.kube-system.svc.cluster.local."]
    for line in zone.splitlines():
        owner, _, _, kind, *data = line.split()
        if kind == "A":
            # An endpoint's address is called after the endpoint, not after its headless Service.
            if data[0].startswith("10.") and (owner.count(".") == 6 or is_cluster_ip(data[0])):
                reverse.append(f"{'.'.join(reversed(data[0].split('.')))}.in-addr.arpa. 1 IN PTR {owner}")
    (folder / "reverse.zone").write_text("\n".join(reverse) + "\n")


def write_queries(folder):
    """A file of questions for each kind, of 20,000 names each."""
    pick = random.Random(4711)
    name = lambda i: f"service-{i}.bench-{i % 10}.svc.cluster.local"
    endpoint = lambda n: f"{n % 256}.{n // 256 % 256}.{128 + n // 65536}.10.in-addr.arpa"
    kinds = {
        "A": lambda: f"{name(pick.randrange(HEADLESS, SERVICES + HEADLESS))} A",
        "headless A": lambda: f"{name(pick.randrange(HEADLESS))} A",
        "SRV": lambda: f"_http._tcp.{name(pick.randrange(SERVICES + HEADLESS))} SRV",
        "PTR": lambda: f"{endpoint(pick.randrange((SERVICES + HEADLESS) * ENDPOINTS))} PTR",
        "NXDOMAIN": lambda: f"nosuch-{pick.randrange(10 ** 6)}.bench-{pick.randrange(10)}.svc.cluster.local A",
    }
    lines = {kind: [make() for _ in range(20_000)] for kind, make in kinds.items()}
    lines["mix"] = [pick.choice(lines[pick.choice(list(kinds))]) for _ in range(20_000)]
    for kind, questions in lines.items():
        (folder / (kind.replace(" ", "-") + ".queries")).write_text("\n".join(questions) + "\n")
    return list(lines)


def children(pid):
    """A process and those below it."""
    below = [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid] + [p for child in below for p in children(child)]


def dnsperf(cluster, server, queries, *more, seconds=SECONDS):
    address, port, pid = server
    before = sum(cpu_seconds(p) for p in children(pid))
    out = cluster.run("dnsperf", "-s", address, "-p", str(port), "-d", str(queries), "-l", str(seconds), "-T", "1", "-c", "16", "-q", "200",
                      *more, timeout=seconds + 60)
    used = sum(cpu_seconds(p) for p in children(pid)) - before
    completed = int(re.search(r"Queries completed: +(\d+)", out)[1])
    lost = int(re.search(r"Queries lost: +(\d+)", out)[1])
    return {"rate": float(re.search(r"Queries per second: +([\d.]+)", out)[1]), "cpu": used / max(completed, 1) * 1e6, "lost": lost, "out": out}


def compare(cluster, servers, kind, queries):
    results = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            results[name].append(dnsperf(cluster, server, queries))
    rate = {name: median([r["rate"] for r in runs]) for name, runs in results.items()}
    cpu = {name: median([r["cpu"] for r in runs]) for name, runs in results.items()}
    # Rounds are compared with themselves: what else the machine does changes between them.
    share = median([results["wherry"][i]["rate"] / max(results["Knot"][i]["rate"], results["NSD"][i]["rate"]) for i in range(ROUNDS)])
    cost = median([results["wherry"][i]["cpu"] / results["Knot"][i]["cpu"] for i in range(ROUNDS)])
    row(f"DNS, {kind}", f"{rate['wherry']:,.0f}/s, Knot {rate['Knot']:,.0f}/s, NSD {rate['NSD']:,.0f}/s: {share * 100:.0f} % of the faster one; "
        f"CPU {cpu['wherry']:.1f} µs a query, Knot {cpu['Knot']:.1f}, NSD {cpu['NSD']:.1f}: {cost * 100:.0f} % of Knot's", "95 %; 100 % of Knot's CPU",
        f"dnsperf, 16 sockets, 200 under way, 1 thread; median of {ROUNDS} interleaved runs of {SECONDS} s, ratios within each round; "
        "2 threads or processes each; lost: " + ", ".join(f"{name} {sum(r['lost'] for r in runs)}" for name, runs in results.items()))


def latency(cluster, servers, queries):
    p99 = {name: [] for name in servers}
    for _ in range(9):
        for name, server in servers.items():
            out = dnsperf(cluster, server, queries, "-v", "-Q", "20000")["out"]
            times = [float(m) for m in re.findall(r"^> \S+ \S+ \S+ ([\d.]+)$", out, re.M)]
            p99[name].append(percentile(times, 0.99) * 1e6)
    share = median([ours / knot for ours, knot in zip(p99["wherry"], p99["Knot"])])
    row("DNS, p99 at 20,000 queries a second", ", ".join(f"{name} {median(values):,.0f} µs ({min(values):,.0f}-{max(values):,.0f})"
        for name, values in p99.items()) + f"; {share:.2f} of Knot's", "no worse than Knot's",
        "dnsperf -Q 20000 of the mix; median, least and most of 9 interleaved runs; the ratio within each round")


def answer_while_changing(cluster, server, queries):
    changing = subprocess.Popen(cluster.inside("/usr/bin/python3", "-c", cluster.session + CHANGES, "500", "10", str(HEADLESS)), env=cluster.env,
                                stdout=subprocess.PIPE, text=True)
    result = dnsperf(cluster, server, queries, "-Q", "20000", seconds=8)
    changes = int(changing.communicate(timeout=60)[0])
    codes = re.search(r"Response codes: +(.*)", result["out"])[1]
    row("DNS while endpoints change", f"{changes / 10 * 2:,.0f} changes a second; of 20,000 queries a second {result['lost']} lost; {codes}",
        "1,000 changes; none lost", "PUTs of EndpointSlices, two endpoints each, over four connections; headless A, of Services that always have eight endpoints")


def measure_dns(session):
    for tool in ("knotd", "nsd", "dnsperf", "dig"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not installed (Debian: knot, nsd, dnsperf, bind9-dnsutils)")
    flags = ["--dns-transfer-to", "10.96.0.0/12,127.0.0.1"]
    with TokenCluster(more_flags=flags, images=False) as cluster:
        cluster.session = session
        cluster.kubectl("create", "clusterrole", "bench-dns", "--verb", "*", "--resource", "services,endpointslices.discovery.k8s.io")
        cluster.kubectl("create", "clusterrolebinding", "bench-dns", "--clusterrole", "bench-dns", "--group", "benches")
        for i in range(10):
            cluster.kubectl("create", "namespace", f"bench-{i}")
        folder = pathlib.Path(cluster.folder)
        empty = memory_kb(cluster.server.pid)[0]
        cluster.run("/usr/bin/python3", "-c", session + OBJECTS, str(SERVICES), str(HEADLESS), str(ENDPOINTS), timeout=600)
        measure_memory(cluster, empty)
        write_zones(cluster, folder)
        kinds = write_queries(folder)
        (folder / "knot.conf").write_text(KNOT.format(folder=folder, port=KNOT_PORT))
        (folder / "nsd.conf").write_text(NSD.format(folder=folder, port=NSD_PORT))
        knot = subprocess.Popen(cluster.inside("knotd", "-c", str(folder / "knot.conf")), stderr=subprocess.DEVNULL)
        nsd = subprocess.Popen(cluster.inside("nsd", "-d", "-c", str(folder / "nsd.conf")), stderr=subprocess.DEVNULL)
        try:
            servers = {"wherry": (ADDRESS, 53, cluster.server.pid), "Knot": ("127.0.0.1", KNOT_PORT, knot.pid), "NSD": ("127.0.0.1", NSD_PORT, nsd.pid)}
            for address, port, _ in servers.values():
                for question in ("service-1.bench-1.svc.cluster.local A", "0.0.128.10.in-addr.arpa PTR"):
                    eventually(lambda: cluster.run("dig", "+short", f"@{address}", "-p", str(port), *question.split(), check=False).strip(), 60)
            for kind in kinds:
                compare(cluster, servers, kind, folder / (kind.replace(" ", "-") + ".queries"))
            latency(cluster, servers, folder / "mix.queries")
            answer_while_changing(cluster, servers["wherry"], folder / "headless-A.queries")
        finally:
            for process in (knot, nsd):
                process.terminate()
                process.wait()


def measure_memory(cluster, empty):
    """What the zone takes: the same server with and without the DNS, freshly started over the same objects."""
    sizes = {}
    flags = list(cluster.flags)
    for what, more in (("without", ["--disable", "dns"]), ("with", [])):
        cluster.stop()
        cluster.flags = flags + more
        cluster.start()
        time.sleep(5)
        sizes[what] = memory_kb(cluster.server.pid)[0]
    row(f"DNS memory with {SERVICES + HEADLESS:,} Services and {(SERVICES + HEADLESS) * ENDPOINTS:,} endpoints",
        f"{(sizes['with'] - sizes['without']) / 1024:.1f} MB PSS", "60 MB",
        f"the whole server with it {sizes['with'] / 1024:.0f} MB, without it {sizes['without'] / 1024:.0f} MB, empty {empty / 1024:.0f} MB")
