"""What a machine has of a cluster outside of the server's memory, by heading: taken before and after, the difference is what
was left behind. Standard library only."""
import collections
import re

# Lines of text, each under a heading; runs inside of the test host. Not of it: what test/system/package mounts to install
# a system.
SCRIPT = r"""
echo "== mounts";      awk '{print $5, $4}' /proc/self/mountinfo | grep -v -e ^/tmp/wherry-test -e '/build/package/root-[^/]*/\(dev\|proc\|sys\)'
echo "== links";       ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/\1/'
echo "== addresses";   ip -o addr show | awk '{print $2, $4}' | grep -v 'eth0 fe80'
echo "== routes";      ip route show table all | grep -v 'fe80.* dev eth0'
echo "== rules";       ip rule; ip -6 rule
echo "== neighbours";  ip neighbour show nud permanent
echo "== nftables";    nft list ruleset
echo "== connections"; conntrack -L 2> /dev/null | grep -E '=10\.(96|244)\.'
echo "== cgroups";     find /sys/fs/cgroup -mindepth 2 -type d 2> /dev/null
echo "== files";       find "$@" -xdev 2> /dev/null
echo "== settings";    cd /proc/sys/net && grep -rs . ipv4 ipv6 core | grep -v -e /wh -e tcp_mem -e udp_mem
"""
FILES = ["/var/lib/wherry", "/run/wherry", "/etc/wherry", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/run/netns"]
# What a server that runs changes as it likes.
ITS_OWN = re.compile(r"/var/lib/wherry/(store|layers/[^/]+)/")


def parse(text):
    found, lines = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:], collections.Counter())
        elif lines is found.get("nftables"):  # a set's elements come in any order
            lines.update(element.strip() for element in re.split(r"[,{}]", line) if element.strip())
        else:
            lines[line.strip()] += 1
    return found


def look(cluster, files=FILES):
    """{heading: counts of its lines}"""
    found = parse(cluster.run("sh", "-c", SCRIPT, "look", *files))
    server = cluster.server and cluster.server.poll() is None and cluster.server.pid
    found["processes"] = collections.Counter(line for pid, line in cluster.processes().items() if pid != server)
    return found


def look_beside_server(cluster):
    """The same without what comes and goes while a server runs."""
    found = look(cluster)
    found["files"] = collections.Counter(path for path in found["files"] if not ITS_OWN.match(path))
    return {heading: lines for heading, lines in found.items() if heading not in ("connections", "settings")}


def difference(before, after):
    """Text; empty when nothing is left and nothing is lost."""
    text = ""
    for heading in before:
        new, lost = after[heading] - before[heading], before[heading] - after[heading]
        if heading == "settings":  # some come with a kernel module that is loaded for the first time
            names = {line.split(":")[0] for line in before[heading]}
            new = [line for line in new if line.split(":")[0] in names]
        text += "".join(f"{heading}: left: {line}\n" for line in sorted(new))
        text += "".join(f"{heading}: lost: {line}\n" for line in sorted(lost))
    return text
