#!/usr/bin/python3
"""A small resolver for tests: answers out of a file of records, notes what it was asked. Standard library only.

  resolver.py ADDRESS:PORT ZONE LOG [--tls PORT CERTIFICATE KEY]

ZONE has a record a line, `www.example. 60 A 203.0.113.9` (A, AAAA, CNAME, TXT; read again for every question). What has no
record does not exist, for 60 seconds (an SOA says so). A line `SILENT` keeps it silent. LOG gets `udp www.example. A`.
"""
import ipaddress
import pathlib
import socket
import socketserver
import ssl
import struct
import sys
import threading

TYPES = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV"}
NUMBERS = {name: number for number, name in TYPES.items()}


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record_data(kind, text):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(text).packed
    if kind == "CNAME":
        return wire(text)
    return b"".join(bytes([len(part)]) + part for part in [text.encode()[i:i + 255] for i in range(0, len(text), 255)])


def read_question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels) + ".", struct.unpack(">H", packet[at + 1:at + 3])[0], packet[12:at + 5]


class Resolver:
    def __init__(self, zone, log):
        self.zone, self.log, self.lock = pathlib.Path(zone), pathlib.Path(log), threading.Lock()

    def answer(self, packet, transport):
        name, number, question = read_question(packet)
        kind, lines = TYPES.get(number, str(number)), self.zone.read_text().splitlines()
        with self.lock, self.log.open("a") as log:
            log.write(f"{transport} {name.lower()} {kind}\n")
        if "SILENT" in lines:
            return None
        records, exists, wanted = [], False, name.lower()
        for owner, ttl, type_, text in (line.split(None, 3) for line in lines if len(line.split()) > 3):
            if owner != wanted:
                continue
            exists = True
            if type_ not in (kind, "CNAME"):
                continue
            data = record_data(type_, text)
            records.append(wire(owner) + struct.pack(">HHIH", NUMBERS[type_], 1, int(ttl), len(data)) + data)
            wanted = text if type_ == "CNAME" else wanted
        soa = wire("ns.") + wire("host.") + struct.pack(">IIIII", 1, 2, 3, 4, 60)
        authority = [] if records else [b"\0" + struct.pack(">HHIH", 6, 1, 60, len(soa)) + soa]
        rcode = 0 if exists else 3
        body = b"".join(records + authority)
        cut = transport == "udp" and len(body) > 1000
        head = struct.pack(">HHHHHH", struct.unpack(">H", packet[:2])[0], 0x8180 | rcode | (0x200 if cut else 0), 1,
                           0 if cut else len(records), 0 if cut else len(authority), 0)
        return head + question + (b"" if cut else body)


def stream_handler(resolver, transport):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            file = self.request.makefile("rb")
            while len(length := file.read(2)) == 2:
                answer = resolver.answer(file.read(struct.unpack(">H", length)[0]), transport)
                if answer:
                    self.request.sendall(struct.pack(">H", len(answer)) + answer)
    return Handler


class StreamServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    context = None

    def get_request(self):
        connection, address = super().get_request()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, *_):  # a client that does not believe our certificate
        pass


def main():
    (address, port), zone, log, tls = sys.argv[1].rsplit(":", 1), *sys.argv[2:4], sys.argv[5:]
    resolver = Resolver(zone, log)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, int(port)))
    streams = [StreamServer((address, int(port)), stream_handler(resolver, "tcp"))]
    if tls:
        secure = StreamServer((address, int(tls[0])), stream_handler(resolver, "tls"))
        secure.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.context.load_cert_chain(tls[1], tls[2])
        streams.append(secure)
    for server in streams:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    while True:
        packet, client = udp.recvfrom(4096)
        answer = resolver.answer(packet, "udp")
        if answer:
            udp.sendto(answer, client)


if __name__ == "__main__":
    main()
