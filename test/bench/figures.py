"""What the measurements share: rows of the table, memory and CPU of a process, a cluster that takes a token."""
import os
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from cluster import Cluster  # noqa: E402

TOKEN = "bench-token"
rows = []


def row(what, value, aim, how):
    rows.append((what, value, aim, how))
    print(f"{what}: {value}  (aim: {aim})", flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def memory_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", text, re.M)[1]), int(re.search(r"^Rss: +(\d+)", text, re.M)[1])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def written_bytes(pid):
    return int(re.search(r"^write_bytes: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text(), re.M)[1])


class TokenCluster(Cluster):
    """A cluster that also takes a token, for clients that have no certificates; what it may do, a role says."""

    def __init__(self, more_flags=(), **options):
        super().__init__(flags=["--token-auth-file", "/etc/wherry/tokens", *more_flags], **options)
        pathlib.Path(self.host, "etc/tokens").write_text(f'{TOKEN},bench,1,"benches"\n')

    def __enter__(self):
        super().__enter__()
        self.kubectl("create", "clusterrole", "bench", "--verb", "get,list,watch,create,update",
                     "--resource", "configmaps,pods,nodes,deployments.apps,jobs.batch")
        self.kubectl("create", "clusterrolebinding", "bench", "--clusterrole", "bench", "--group", "benches")
        return self


def machine():
    model = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1]
    memory = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 1024 / 1024
    release = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())[1]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {release}, Linux {os.uname().release.split('-')[0]}"
