#!/usr/bin/python3
"""The checker finds every sort of error that is planted in a good history, and none in the good one."""
import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from checker import check  # noqa: E402


def op(kind, start, end, **more):
    return dict(more, op=kind, client=0, start=start, end=end)


# Two keys; the update at 12 is not answered and did happen, the one at 50 did not.
GOOD = [
    op("create", 1, 2, key="a", value="a1", revision=10),                        # 0
    op("create", 3, 4, key="b", value="b1", revision=11),                        # 1
    op("list", 5, 6, revision=11, items={"a": [10, "a1"], "b": [11, "b1"]}),     # 2
    op("update", 7, 8, key="a", value="a2", revision=12, expected=10),           # 3
    op("update", 9, 10, key="a", value="a3", revision=13, expected=None),        # 4
    op("update", 12, None, key="b", value="b2", revision=None, expected=11),     # 5
    op("get", 20, 21, key="b", revision=14, value="b2"),                         # 6
    op("update", 21, 22, key="a", value="aX", revision=None, expected=10, failed=True),  # 7
    op("delete", 23, 24, key="a"),                                               # 8
    op("get", 25, 26, key="a", revision=None, value=None),                       # 9
    op("list", 27, 28, revision=15, items={"b": [14, "b2"]}),                    # 10
    op("create", 30, 31, key="a", value="a4", revision=17),                      # 11
    op("update", 50, None, key="a", value="a5", revision=None, expected=17),     # 12
    op("get", 60, 61, key="a", revision=17, value="a4"),                         # 13
    op("watch", 6, 70, **{"from": 11, "events": [[8, "MODIFIED", "a", 12, "a2"], [10, "MODIFIED", "a", 13, "a3"],
                                                 [19, "MODIFIED", "b", 14, "b2"], [24, "DELETED", "a", 15, "a3"],
                                                 [31, "ADDED", "a", 17, "a4"], [65, "BOOKMARK", None, 20, None]]}),
]


def planted(change):
    history = copy.deepcopy(GOOD)
    change(history)
    return check(history)


def change(at, **members):
    return lambda h: h[at].update(members)


def events(change_events):
    return lambda h: change_events(h[14]["events"])


def swap(events_):
    events_[0], events_[1] = events_[1], events_[0]


CASES = {
    "an acknowledged create is gone": (change(13, revision=None, value=None), "lost write"),
    "an acknowledged update is gone": (lambda h: h.insert(5, op("get", 11, 12, key="a", revision=12, value="a2")), "lost write"),
    "an acknowledged write is missing in a later list":
        (lambda h: h.append(op("list", 62, 63, revision=18, items={"b": [14, "b2"]})), "lacks a"),
    "a revision is given twice, to two keys": (change(1, revision=10), "came twice"),
    "a revision is given twice, to two writes of a key": (change(4, revision=12), "came twice"),
    "a revision goes back in real time": (lambda h: h.append(op("create", 80, 81, key="c", value="c1", revision=9)), "was given out"),
    "a list's revision goes back": (lambda h: h.append(op("list", 80, 81, revision=11, items=GOOD[2]["items"])), "was given out"),
    "an unanswered write happens twice":
        (lambda h: h.append(op("get", 80, 81, key="b", revision=18, value="b2")), "happened twice"),
    "a refused write happens": (lambda h: h.append(op("get", 80, 81, key="a", revision=18, value="aX")), "nobody wrote"),
    "a value from nowhere": (lambda h: h.append(op("get", 80, 81, key="b", revision=18, value="zz")), "nobody wrote"),
    "a value of another key": (lambda h: h.append(op("get", 80, 81, key="b", revision=18, value="a5")), "nobody wrote"),
    "a value is seen before it is written": (lambda h: h.append(op("get", 40, 41, key="a", revision=18, value="a5")), "before it was written"),
    "a stale get": (lambda h: h.append(op("get", 80, 81, key="b", revision=11, value="b1")), "stale"),
    "two writers win from one version": (change(4, expected=10), "had replaced"),
    "a create over what is there": (lambda h: h.append(op("create", 80, 81, key="b", value="b9", revision=19)), "while 14 was there"),
    "an update of what was removed":
        (lambda h: h.insert(10, op("update", 26, 27, key="a", value="a9", revision=16, expected=None)), "though removed"),
    "a removed object is read again": (lambda h: h.insert(10, op("get", 25, 26, key="a", revision=13, value="a3")), "after"),
    "a list mixes two states":
        (lambda h: h.append(op("list", 80, 81, revision=20, items={"a": [17, "a4"], "b": [11, "b1"]})), "no snapshot"),
    "a list has what is newer than itself": (change(2, revision=10), "no snapshot"),
    "a list has what was removed": (lambda h: h[10]["items"].update({"a": [13, "a3"]}), "no snapshot"),
    "a watch loses an event": (events(lambda e: e.pop(1)), "lacks a at 13"),
    "a watch loses the last event before a bookmark": (events(lambda e: e.pop(4)), "lacks a at 17"),
    "a watch gets an event twice": (events(lambda e: e.insert(1, e[0])), "twice"),
    "a watch gets events out of order": (events(swap), "out of order"),
    "a watch gets what was before its beginning": (events(lambda e: e.insert(0, [7, "ADDED", "b", 11, "b1"])), "out of order"),
    "a watch adds what is there": (events(lambda e: e[1].__setitem__(1, "ADDED")), "ADDED of a"),
    "a watch changes what is not there": (events(lambda e: e[4].__setitem__(1, "MODIFIED")), "MODIFIED of a"),
    "an event of what was then lost (seen before it was durable)":
        (events(lambda e: e.insert(5, [55, "MODIFIED", "a", 18, "a5"])), "stale"),
}


class Checker(unittest.TestCase):
    def test_finds_nothing_in_a_good_history(self):
        self.assertEqual(check(copy.deepcopy(GOOD)), [])

    def test_finds_each_planted_error(self):
        for name, (plant, words) in CASES.items():
            with self.subTest(name):
                wrong = planted(plant)
                self.assertTrue(any(words in line for line in wrong), f"{words!r} not in {wrong}")


if __name__ == "__main__":
    unittest.main()
