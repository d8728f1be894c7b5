"""Clients that write, read and watch ConfigMaps over the API while the server comes and goes, and write down what they saw,
as checker.py reads it. Threads of one process: all moments are of one clock."""
import http.client
import json
import random
import threading
import time

KEYS = [f"k{i}" for i in range(8)]


class Recorder:
    """One client: its connection, and its part of the history. `up` is set while there is a server."""

    def __init__(self, cluster, namespace, number, up, stop):
        self.api, self.number, self.up, self.stop = cluster.api(), number, up, stop
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"
        self.history, self.known, self.count, self.surprises = [], {}, 0, []
        self.random = random.Random(f"{namespace}/{number}")
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop.is_set():
            if not self.up.wait(0.5):
                continue
            try:
                if self.api.connection is None or self.api.connection.sock is None:
                    self.api.connect()
            except OSError:
                continue  # nothing was asked: no operation
            self.act()

    def operation(self, kind, method, path, body=None, **facts):
        """Asks, and records: `end` stays None when it is not known whether it happened."""
        op = dict(facts, op=kind, client=self.number, start=time.monotonic(), end=None)
        self.history.append(op)
        try:
            status, answer = self.api.call(method, path, body)
        except (OSError, ValueError):
            self.api.connection = None
            return op, None
        if status < 300:
            op["end"] = time.monotonic()
            return op, answer
        if status in (404, 409):
            op.update(end=time.monotonic(), failed=kind != "get", revision=None, value=None if kind == "get" else op.get("value"))
        elif status < 500:
            self.surprises.append(f"{method} {path}: {status} {answer}")
        return op, None

    def list(self):
        op, answer = self.operation("list", "GET", self.path)
        if answer is None:
            return None
        op["revision"] = int(answer["metadata"]["resourceVersion"])
        op["items"] = {i["metadata"]["name"]: [int(i["metadata"]["resourceVersion"]), i["data"]["v"]]
                       for i in answer["items"] if i["metadata"]["name"] in KEYS}
        return op["revision"]


class Writer(Recorder):
    def act(self):
        key = self.random.choice(KEYS)
        known = self.known.get(key)
        kinds = [self.create, self.swap, self.overwrite, self.delete, self.get, lambda _: self.list()]
        kind = self.random.choices(kinds, [3, 4 if known else 0, 2, 1, 2, 1])[0]
        kind(key)

    def write(self, kind, method, path, key, expected=None):
        self.count += 1
        value = f"{self.number}-{self.count}"
        metadata = {"name": key}
        if expected is not None:
            metadata["resourceVersion"] = str(expected)
        op, answer = self.operation(kind, method, path, {"metadata": metadata, "data": {"v": value}}, key=key, value=value,
                                    expected=expected, revision=None)
        if answer:
            op["revision"] = self.known[key] = int(answer["metadata"]["resourceVersion"])

    def create(self, key):
        self.write("create", "POST", self.path, key)

    def swap(self, key):
        self.write("update", "PUT", f"{self.path}/{key}", key, self.known[key])

    def overwrite(self, key):
        self.write("update", "PUT", f"{self.path}/{key}", key)

    def delete(self, key):
        self.operation("delete", "DELETE", f"{self.path}/{key}", key=key)

    def get(self, key):
        op, answer = self.operation("get", "GET", f"{self.path}/{key}", key=key)
        if answer:
            op["revision"] = self.known[key] = int(answer["metadata"]["resourceVersion"])
            op["value"] = answer["data"]["v"]


class Watcher(Recorder):
    """Lists, then watches from there, until the server goes."""

    def act(self):
        begin = self.list()
        if begin is None:
            return
        op = {"op": "watch", "client": self.number, "start": time.monotonic(), "from": begin, "events": [], "end": None}
        connection = self.api.connection
        try:
            connection.request("GET", f"{self.path}?watch=1&allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion={begin}")
            response = connection.getresponse()
            while line := response.readline():
                self.take(op["events"], json.loads(line))
        except (OSError, ValueError, http.client.HTTPException):
            self.api.connection = None
        op["end"] = time.monotonic()
        self.history.append(op)

    def take(self, events, event):
        if event["type"] == "ERROR":
            if event["object"].get("code") != 410:
                self.surprises.append(f"a watch: {event}")
            return
        metadata = event["object"]["metadata"]
        mark = event["type"] == "BOOKMARK"
        if mark or metadata["name"] in KEYS:
            events.append([time.monotonic(), event["type"], None if mark else metadata["name"],
                           int(metadata["resourceVersion"]), None if mark else event["object"]["data"]["v"]])
