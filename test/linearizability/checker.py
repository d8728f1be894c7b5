"""Whether a history is one that a single register per key, with one revision counter for all, could have given.

A history is a list of operations, each a dict. All have `client`, `start` and `end`: moments of one clock; `end` None: no
answer came, so it happened once or not at all. `failed`: it was answered, and did not happen.

    {"op": "create", "key": k, "value": v, "revision": r}
    {"op": "update", "key": k, "value": v, "revision": r, "expected": e}      expected None: unconditional
    {"op": "delete", "key": k}
    {"op": "get",    "key": k, "revision": r, "value": v}                     revision None: there was none
    {"op": "list",   "revision": r, "items": {k: [revision, value]}}
    {"op": "watch",  "from": r, "events": [[moment, type, k, revision, value], ...]}     BOOKMARK: k and value None

Every written value is written once only. `check` returns what is wrong, in sentences; pure.
"""
import bisect
import collections

WRITES = ("create", "update")


class Versions:
    """What is known of one key: revision -> value, None for a removal. Known is what was acknowledged or seen."""

    def __init__(self):
        self.values, self.sorted = {}, []

    def freeze(self):
        self.sorted = sorted(self.values)

    def newest_up_to(self, revision):
        at = bisect.bisect_right(self.sorted, revision)
        return self.sorted[at - 1] if at else None

    def between(self, after, before):
        """Known revisions strictly between the two."""
        return self.sorted[bisect.bisect_right(self.sorted, after):bisect.bisect_left(self.sorted, before)]


class Check:
    def __init__(self, history):
        self.history = history
        self.wrong = []
        self.keys = collections.defaultdict(Versions)
        self.deletes = collections.defaultdict(list)   # key -> deletes that happened or may have
        self.attempts = {}                             # value -> the write that may have made it
        self.sightings = collections.defaultdict(list)  # key -> (moment since when known, revision)
        self.by_revision = {}                          # revision -> (key, value)

    def say(self, words):
        self.wrong.append(words)

    def run(self):
        self.gather_attempts()
        self.gather_versions()
        self.check_order()
        self.check_writes()
        for op in self.history:
            if op["end"] is None or op.get("failed"):
                continue
            if op["op"] == "get":
                self.check_read(op, op["key"], op["revision"])
            elif op["op"] == "list":
                self.check_list(op)
        for op in self.history:
            if op["op"] == "watch":
                self.check_watch(op)
        return self.wrong

    # -- what is known -------------------------------------------------------------------------------------------------

    def gather_attempts(self):
        for op in self.history:
            if op["op"] in WRITES and not op.get("failed"):
                self.attempts[op["value"]] = op
            if op["op"] == "delete" and not op.get("failed"):
                self.deletes[op["key"]].append(op)

    def know(self, key, revision, value, moment):
        holder = self.by_revision.setdefault(revision, (key, value))
        if holder != (key, value):
            self.say(f"revision {revision} came twice: {holder} and {(key, value)}")
            return
        self.keys[key].values[revision] = value
        self.sightings[key].append((moment, revision))
        if value is None:
            return
        attempt = self.attempts.get(value)
        if attempt is None or attempt["key"] != key:
            self.say(f"{key} at {revision} has {value}, which nobody wrote there")
        elif attempt["start"] > moment:
            self.say(f"{key} at {revision} has {value} before it was written")
        elif attempt.setdefault("made", revision) != revision:
            self.say(f"the write of {value} happened twice, at {attempt['made']} and {revision}")

    def gather_versions(self):
        for op in self.history:
            if op["op"] == "watch":
                for moment, kind, key, revision, value in op["events"]:
                    if kind != "BOOKMARK":
                        self.know(key, revision, None if kind == "DELETED" else value, moment)
            elif op["end"] is None or op.get("failed"):
                continue
            elif op["op"] in WRITES or (op["op"] == "get" and op["revision"] is not None):
                self.know(op["key"], op["revision"], op["value"], op["end"])
            elif op["op"] == "list":
                for key, (revision, value) in op["items"].items():
                    self.know(key, revision, value, op["end"])
        for key, versions in self.keys.items():
            versions.freeze()
            # At each moment the newest that somebody is known to have seen by then.
            newest, steps = 0, []
            for moment, revision in sorted(self.sightings[key]):
                if revision > newest:
                    newest = revision
                    steps.append((moment, revision))
            self.sightings[key] = steps

    # -- revisions in real time ----------------------------------------------------------------------------------------

    def check_order(self):
        """What had ended before another began has the lower revision."""
        timed = [op for op in self.history if op["end"] is not None and not op.get("failed")
                 and (op["op"] in WRITES or op["op"] == "list")]
        ended = sorted(timed, key=lambda op: op["end"])
        at, highest = 0, 0
        for op in sorted(timed, key=lambda op: op["start"]):
            while at < len(ended) and ended[at]["end"] < op["start"]:
                highest = max(highest, ended[at]["revision"])
                at += 1
            if op["revision"] < highest or (op["op"] in WRITES and op["revision"] == highest):
                self.say(f"{op['op']} of {op.get('key', 'all')} got revision {op['revision']} after {highest} was given out")

    # -- writes --------------------------------------------------------------------------------------------------------

    def may_be_gone(self, key, since, until):
        """Whether a delete may have happened after `since` began and before `until` ended."""
        return any((d["end"] is None or d["end"] >= since) and d["start"] <= until for d in self.deletes[key])

    def check_writes(self):
        for op in self.history:
            if op["op"] not in WRITES or op["end"] is None or op.get("failed"):
                continue
            versions = self.keys[op["key"]]
            expected = op.get("expected")
            if expected is not None:
                for lost in versions.between(expected, op["revision"]):
                    self.say(f"{op['key']}: {op['revision']} was made from {expected}, which {lost} had replaced")
            before = versions.newest_up_to(op["revision"] - 1)
            value = versions.values[before] if before is not None else None
            if op["op"] == "create" and value is not None:
                if not self.may_be_gone(op["key"], self.attempts[value]["start"], op["end"]):
                    self.say(f"{op['key']} was created at {op['revision']} while {before} was there")
            if op["op"] == "update" and before is not None and value is None:
                if not self.may_be_again(op["key"], before, op):
                    self.say(f"{op['key']} was updated at {op['revision']} though removed at {before}")

    def may_be_again(self, key, removed, op):
        return any(a["key"] == key and a["end"] is None and a["op"] == "create" and a["start"] <= op["end"]
                   for a in self.attempts.values())

    # -- reads ---------------------------------------------------------------------------------------------------------

    def known_by(self, key, moment):
        steps = self.sightings.get(key, [])
        at = bisect.bisect_left(steps, (moment, 0))
        return steps[at - 1][1] if at else None

    def check_read(self, op, key, revision):
        known = self.known_by(key, op["start"])
        value = self.keys[key].values[known] if known is not None else None
        if revision is None:
            if value is not None and not self.may_be_gone(key, self.attempts[value]["start"], op["end"]):
                self.say(f"{key} was not there, though {known} was, and nobody removed it: a lost write")
            return
        if known is not None and revision < known:
            self.say(f"{key} was read at {revision} after {known} was known: stale, or a lost write")
        written = self.attempts.get(self.keys[key].values.get(revision))
        for delete in self.deletes[key] if written and written["end"] is not None else ():
            if delete["end"] is not None and written["end"] < delete["start"] and delete["end"] < op["start"]:
                self.say(f"{key} was read at {revision} after it was removed")
                break

    def check_list(self, op):
        for key, versions in self.keys.items():
            item = op["items"].get(key)
            newest = versions.newest_up_to(op["revision"])
            if item is None:
                self.check_read(op, key, None)
                value = versions.values[newest] if newest is not None else None
                if value is not None and not self.may_be_gone(key, self.attempts[value]["start"], op["end"]):
                    self.say(f"the list at {op['revision']} lacks {key}, which was there since {newest}")
                continue
            self.check_read(op, key, item[0])
            if item[0] > op["revision"]:
                self.say(f"the list at {op['revision']} has {key} of {item[0]}: no snapshot")
            elif newest != item[0]:
                self.say(f"the list at {op['revision']} has {key} of {item[0]}, not of {newest}: no snapshot")

    # -- watches -------------------------------------------------------------------------------------------------------

    def check_watch(self, op):
        last, there, seen = op["from"], {}, set()
        for _, kind, key, revision, _ in op["events"]:
            if revision < last or (kind != "BOOKMARK" and revision == last):
                self.say(f"a watch from {op['from']} got {revision} after {last}: twice, or out of order")
            last = max(last, revision)
            if kind == "BOOKMARK":
                continue
            seen.add(revision)
            if (kind == "ADDED") == there.get(key, kind != "ADDED"):
                self.say(f"a watch got {kind} of {key} at {revision}, which was {'' if there.get(key) else 'not '}there")
            there[key] = kind != "DELETED"
        for key, versions in self.keys.items():
            for revision in versions.between(op["from"], last + 1):
                if revision not in seen:
                    self.say(f"a watch from {op['from']} to {last} lacks {key} at {revision}")


def check(history):
    return Check(history).run()
