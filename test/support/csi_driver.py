#!/usr/bin/python3
"""A storage driver (CSI v1) for tests: volumes are directories below --state, bound where the node wants them. It speaks
gRPC over local sockets as drivers do, registers with the kubelet, and writes down what it was asked, a JSON line a call.

  csi_driver.py --name NAME --state DIR [--root /var/lib/kubelet] [--node-id ID] [--no-stage] [--expand] [--mount-group]

A file DIR/fail that holds "NodePublishVolume 13 some text" makes this call fail with that code; DIR/hang with the name of a
call lets it wait until the file is gone. Standard library, and libnghttp2 for the header compression.
"""
import argparse
import ctypes
import ctypes.util
import json
import os
import pathlib
import socket
import socketserver
import struct
import subprocess
import threading
import time

# -- protocol buffers: name -> (field, kind); kinds: text, int, bool, map, a nested message's fields, or a list of one


CAPABILITY = {"block": (1, {}), "mount": (2, {"fs_type": (1, "text"), "mount_flags": (2, ["text"]), "volume_mount_group": (3, "text")}),
              "access_mode": (3, {"mode": (1, "int")})}
REQUESTS = {
    "NodeStageVolume": {"volume_id": (1, "text"), "publish_context": (2, "map"), "staging_target_path": (3, "text"),
                        "volume_capability": (4, CAPABILITY), "secrets": (5, "map"), "volume_context": (6, "map")},
    "NodeUnstageVolume": {"volume_id": (1, "text"), "staging_target_path": (2, "text")},
    "NodePublishVolume": {"volume_id": (1, "text"), "publish_context": (2, "map"), "staging_target_path": (3, "text"),
                          "target_path": (4, "text"), "volume_capability": (5, CAPABILITY), "readonly": (6, "bool"),
                          "secrets": (7, "map"), "volume_context": (8, "map")},
    "NodeUnpublishVolume": {"volume_id": (1, "text"), "target_path": (2, "text")},
    "NodeExpandVolume": {"volume_id": (1, "text"), "volume_path": (2, "text"), "capacity_range": (3, {"required_bytes": (1, "int")}),
                         "staging_target_path": (4, "text"), "volume_capability": (5, CAPABILITY), "secrets": (6, "map")},
    "NodeGetVolumeStats": {"volume_id": (1, "text"), "volume_path": (2, "text"), "staging_target_path": (3, "text")},
    "NotifyRegistrationStatus": {"plugin_registered": (1, "bool"), "error": (2, "text")},
}


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def encode(*fields):
    """(number, value)...: an int is a varint, text and bytes have a length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def raw_fields(data):
    at = 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        key = take()
        value = take()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        yield key >> 3, value


def decode(data, fields):
    names = {number: (name, kind) for name, (number, kind) in fields.items()}
    out = {}
    for number, value in raw_fields(data):
        if number not in names:
            continue
        name, kind = names[number]
        if kind == "map":
            entry = dict(raw_fields(value))
            out.setdefault(name, {})[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        elif isinstance(kind, list):
            out.setdefault(name, []).append(value.decode())
        elif isinstance(kind, dict):
            out[name] = decode(value, kind)
        else:
            out[name] = value.decode() if kind == "text" else bool(value) if kind == "bool" else value
    return out


# -- HTTP/2, as far as gRPC needs it


class NameValue(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_uint8)), ("value", ctypes.POINTER(ctypes.c_uint8)),
                ("namelen", ctypes.c_size_t), ("valuelen", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


NGHTTP2 = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
NGHTTP2.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
NGHTTP2.nghttp2_hd_inflate_hd2.argtypes = [ctypes.c_void_p, ctypes.POINTER(NameValue), ctypes.POINTER(ctypes.c_int),
                                           ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0, 1, 4, 6, 9
END_STREAM, END_HEADERS, ACK, PADDED, PRIORITY = 1, 4, 1, 8, 32


class Inflater:
    def __init__(self):
        self.inflater = ctypes.c_void_p()
        NGHTTP2.nghttp2_hd_inflate_new(ctypes.byref(self.inflater))

    def headers(self, block):
        out = {}
        while True:
            field, flags = NameValue(), ctypes.c_int()
            used = NGHTTP2.nghttp2_hd_inflate_hd2(self.inflater, ctypes.byref(field), ctypes.byref(flags), block, len(block), 1)
            if used < 0:
                raise ValueError("headers")
            block = block[used:]
            if flags.value & 2:
                out[ctypes.string_at(field.name, field.namelen).decode()] = ctypes.string_at(field.value, field.valuelen).decode()
            if flags.value & 1:
                NGHTTP2.nghttp2_hd_inflate_end_headers(self.inflater)
                return out


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([min(len(value), 126)]) + value.encode()[:126]


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.read(24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            return
        self.inflater, self.calls = Inflater(), {}
        self.send(SETTINGS, 0, 0, b"")
        try:
            while head := self.rfile.read(9):
                size, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:9], "big")
                self.frame(kind, flags, stream, self.rfile.read(size))
        except (ConnectionError, struct.error):
            pass

    def send(self, kind, flags, stream, payload):
        self.wfile.write(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)

    def frame(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.send(SETTINGS, ACK, 0, b"")
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind in (HEADERS, CONTINUATION):
            if kind == HEADERS:
                payload = payload[1 if flags & PADDED else 0:]
                payload = payload[5 if flags & PRIORITY else 0:]
                self.calls[stream] = [b"", b"", None]
            call = self.calls[stream]
            call[0] += payload
            if flags & END_HEADERS:
                call[2] = self.inflater.headers(call[0])[":path"]
        elif kind == DATA:
            self.calls[stream][1] += payload
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            _, body, path = self.calls.pop(stream)
            self.answer(stream, *self.server.driver.call(path.rsplit("/", 1)[1], body[5:]))

    def answer(self, stream, status, text, message):
        self.send(HEADERS, END_HEADERS, stream, b"\x88" + literal("content-type", "application/grpc"))
        if status == 0:
            self.send(DATA, 0, stream, b"\x00" + len(message).to_bytes(4, "big") + message)
        trailers = literal("grpc-status", str(status)) + (literal("grpc-message", text) if text else b"")
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, trailers)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, driver):
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).unlink(missing_ok=True)
        self.driver = driver
        super().__init__(path, Connection)
        threading.Thread(target=self.serve_forever, daemon=True).start()


# -- the driver


class Failure(Exception):
    pass


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(13, done.stdout.strip())


def is_mounted(path):
    return any(line.split()[4] == path for line in open("/proc/self/mountinfo"))


class Driver:
    def __init__(self, args):
        self.args, self.state = args, pathlib.Path(args.state)
        self.state.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    def call(self, method, body):
        request = decode(body, REQUESTS.get(method, {}))
        with self.lock, open(self.state / "calls", "a") as log:
            log.write(json.dumps({"call": method, **request}) + "\n")
        while (self.state / "hang").exists() and (self.state / "hang").read_text().strip() == method:
            time.sleep(0.05)
        try:
            words = (self.state / "fail").read_text().split(" ", 2) if (self.state / "fail").exists() else [""]
            if words[0] == method:
                raise Failure(int(words[1]), words[2].strip())
            return 0, "", getattr(self, method)(request) or b""
        except Failure as failure:
            return *failure.args, b""
        except AttributeError as error:
            return 12, str(error), b""

    # Registration

    def GetInfo(self, _):
        return encode((1, "CSIPlugin"), (2, self.args.name), (3, self.args.socket), (4, "1.0.0"))

    def NotifyRegistrationStatus(self, request):
        (self.state / "registered").write_text(request.get("error", "") or "yes")

    # Node

    def NodeGetInfo(self, _):
        segment = encode((1, encode((1, "topology.test/zone"), (2, "here"))))
        return encode((1, self.args.node_id), (2, 8), (3, segment))

    def NodeGetCapabilities(self, _):
        abilities = [2, 4] + ([] if self.args.no_stage else [1]) + ([3] if self.args.expand else [])
        abilities += [6] if self.args.mount_group else []
        return b"".join(encode((1, encode((1, encode((1, ability)))))) for ability in abilities)

    def device(self, volume_id):
        """A loop device of a file, the same for the same volume."""
        disk = self.state / "disks" / volume_id
        if not disk.exists():
            disk.parent.mkdir(parents=True, exist_ok=True)
            disk.write_bytes(bytes(1 << 20))
        found = subprocess.run(["losetup", "-j", str(disk)], stdout=subprocess.PIPE, text=True).stdout
        if found:
            return found.split(":")[0]
        return subprocess.run(["losetup", "-f", "--show", str(disk)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def NodeStageVolume(self, request):
        if "block" in request["volume_capability"]:
            self.device(request["volume_id"])
            return
        volume = self.state / "volumes" / request["volume_id"]
        volume.mkdir(parents=True, exist_ok=True)
        if not is_mounted(request["staging_target_path"]):
            run("mount", "--bind", str(volume), request["staging_target_path"])

    def NodeUnstageVolume(self, request):
        disk = self.state / "disks" / request["volume_id"]
        if disk.exists():
            run("losetup", "-d", self.device(request["volume_id"]))
        if is_mounted(request["staging_target_path"]):
            run("umount", request["staging_target_path"])

    def NodePublishVolume(self, request):
        target, source = request["target_path"], request.get("staging_target_path")
        if "block" in request["volume_capability"]:
            pathlib.Path(target).touch()
            if not is_mounted(target):
                run("mount", "--bind", self.device(request["volume_id"]), target)
            return
        if not source:
            source = str(self.state / "volumes" / request["volume_id"])
            os.makedirs(source, exist_ok=True)
        os.makedirs(target, exist_ok=True)
        if not is_mounted(target):
            run("mount", "--bind", source, target)
            if request.get("readonly"):
                run("mount", "-o", "remount,bind,ro", target)

    def NodeUnpublishVolume(self, request):
        if is_mounted(request["target_path"]):
            run("umount", request["target_path"])
        if os.path.isdir(request["target_path"]):
            os.rmdir(request["target_path"])
        elif os.path.exists(request["target_path"]):
            os.unlink(request["target_path"])

    def NodeExpandVolume(self, request):
        return encode((1, request["capacity_range"]["required_bytes"]))

    def NodeGetVolumeStats(self, request):
        usage = encode((1, 600), (2, 1000), (3, 400), (4, 1))
        sick = (self.state / "sick").read_text() if (self.state / "sick").exists() else ""
        condition = encode((1, 1), (2, sick)) if sick else b""
        return encode((1, usage), (2, condition))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--root", default="/var/lib/kubelet")
    parser.add_argument("--node-id", default="the-node")
    for flag in ("--no-stage", "--expand", "--mount-group"):
        parser.add_argument(flag, action="store_true")
    args = parser.parse_args()
    args.socket = f"{args.root}/plugins/{args.name}/csi.sock"
    driver = Driver(args)
    Server(args.socket, driver)
    Server(f"{args.root}/plugins_registry/{args.name}-reg.sock", driver)
    threading.Event().wait()


if __name__ == "__main__":
    main()
