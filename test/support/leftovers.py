"""What a node has outside of the server's memory, so that two instants can be compared: nothing may be left of a pod."""
import collections
import re

FILES = r"find /run/wherry /var/lib/wherry -path /var/lib/wherry/store -prune -o -path '/var/lib/wherry/layers/*/*' -prune -o -print"
SECTIONS = {"mount": "awk '$5 ~ /^.(run|var.lib).wherry/ {print $5, $(NF-2)}' /proc/self/mountinfo",  # not other test hosts'
            "link": "ip -o link | awk '{print $2}'",
            "address": "ip -4 -o address | awk '{print $2, $4}'",
            "route": "ip -4 route show table all",
            "neighbour": "ip neighbour show nud permanent",
            "file": FILES}
NFT = "nft list ruleset"


def snapshot(cluster, uids):
    """Counts of "kind: thing". Of the control groups, which all test hosts share, those with one of these uids alone."""
    script = "\n".join(f"echo '@{kind}'; {command}" for kind, command in {**SECTIONS, "nft": NFT}.items())
    things, kind = collections.Counter(), None
    for line in cluster.run("sh", "-c", script).splitlines():
        if line.startswith("@"):
            kind = line[1:]
        elif kind == "nft":  # a set's elements come in any order
            things.update(f"nft: {element.strip()}" for element in re.split(r"[,{}]", line) if element.strip())
        else:
            things[f"{kind}: {line.strip()}"] += 1
    for pid, line in cluster.processes().items():
        if pid != cluster.server.pid:
            things[f"process: {line}"] += 1
    groups = cluster.run("find", "/sys/fs/cgroup", "-type", "d", "-path", "*/wherry/*").splitlines()
    things.update(f"cgroup: {group}" for group in groups if any(uid in group for uid in uids))
    return things


def difference(before, after):
    """What is there more and less than before, as lines; none when all is as it was."""
    return [f"left over  {thing}" for thing in (after - before)] + [f"lost       {thing}" for thing in (before - after)]
