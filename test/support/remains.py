"""What a machine has of a cluster: taken before and after, the difference is what was left behind. Standard library only."""
import os
import pathlib
import subprocess

# Lines of text, each under a heading; runs inside of the test host.
SCRIPT = r"""
echo "== mounts";      awk '{print $5, $4}' /proc/self/mountinfo | grep -v ^/tmp/wherry-test | sort
echo "== links";       ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/\1/' | sort
echo "== addresses";   ip -o addr show | awk '{print $2, $4}' | grep -v 'eth0 fe80' | sort
echo "== routes";      ip route show table all | grep -v 'fe80.* dev eth0' | sort
echo "== rules";       ip rule
echo "== nftables";    nft list ruleset
echo "== connections"; conntrack -L 2> /dev/null | grep -E '=10\.(96|244)\.' | sort
echo "== cgroups";     find /sys/fs/cgroup -mindepth 2 -type d 2> /dev/null | sort
echo "== files";       find "$@" -xdev 2> /dev/null | sort
echo "== settings";    cd /proc/sys/net && grep -rs . ipv4 ipv6 core | grep -v -e /wh -e tcp_mem -e udp_mem | sort
"""
FILES = ["/var/lib/wherry", "/run/wherry", "/etc/wherry", "/var/log/pods", "/var/log/containers", "/run/netns"]


def inode(path):
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def processes(host):
    """Programs in the test host's control groups or namespaces, by pid."""
    group = "/wherry-test" + host.replace("/", "-")
    net, mnt = inode(host + "/net"), inode(host + "/mnt")
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            inside = group in (path / "cgroup").read_text()
            if inside or inode(path / "ns/net") == net or inode(path / "ns/mnt") == mnt:
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
                found.append(f"{command} (state {state})")
        except OSError:
            pass
    return sorted(found)


def look(cluster, files=FILES):
    """{heading: set of lines}"""
    out, lines = {"processes": set(processes(cluster.host))}, None
    for line in cluster.run("sh", "-c", SCRIPT, "look", *files).splitlines():
        if line.startswith("== "):
            lines = out.setdefault(line[3:], set())
        else:
            lines.add(line)
    return out


def difference(before, after):
    """Text; empty when nothing is left and nothing is lost."""
    text = ""
    for heading in before:
        new, lost = after[heading] - before[heading], before[heading] - after[heading]
        if heading == "settings":  # some come with a kernel module that is loaded for the first time
            names = {line.split(":")[0] for line in before[heading]}
            new = {line for line in new if line.split(":")[0] in names}
        text += "".join(f"{heading}: left: {line}\n" for line in sorted(new))
        text += "".join(f"{heading}: lost: {line}\n" for line in sorted(lost))
    return text
