"""Drives each proxy in turn with wrk and h2load, and reads what its processes spent from /proc.

usage: measure.py NAME=PID=PORT NAME=PID=PORT     (the first is what the others are compared with)
"""

from __future__ import annotations

import os
import pathlib
import random
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

ROUNDS, SECONDS_EACH, RATE = (int(os.environ[name]) for name in ("ROUNDS", "SECONDS_EACH", "RATE"))
COOKIE = os.environ["COOKIE"]
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS, LATENCY_CONNECTIONS = 64, 32
IDLE_CONNECTIONS, SLOW_EXPORTS = 1000, 40
CROWDS = (1, 64, 1000)


class Proxy:
    def __init__(self, text: str) -> None:
        self.name, pid, port = text.split("=")
        self.pid, self.port, self.origin = int(pid), int(port), f"https://localhost:{port}"

    def pids(self) -> list[int]:
        children = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True).stdout.split()
        return [self.pid, *map(int, children)]

    def cpu_seconds(self) -> float:
        """What the process and its children have spent, in user and kernel mode."""
        stats = (pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in self.pids())
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS

    def memory_kib(self) -> int:
        """Resident, pages that several processes share counted once."""
        return sum(int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) for pid in self.pids())

    def wrk(self, file: str, connections: int, *more: str) -> tuple[float, int, float]:
        """CPU seconds, requests, requests a second of one turn."""
        before = self.cpu_seconds()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS_EACH}s", "-H", f"Cookie: {COOKIE}", *more, f"{self.origin}/{file}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS_EACH + 60).stdout
        spent = self.cpu_seconds() - before
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{self.name} did not serve {file} cleanly:\n{text}")
        return spent, int(re.search(r"(\d+) requests in", text)[1]), float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    def requests(self, file: str) -> tuple[float, float]:
        """Microseconds of CPU a request, and requests a second, at full speed."""
        spent, number, rate = self.wrk(file, CONNECTIONS)
        return spent / number * 1e6, rate

    def crowd(self, connections: int) -> tuple[float, float, float]:
        """Requests a second, and the 50th and 99th percentile in milliseconds, of so many that each ask again when answered."""
        command = ["wrk", "-t1", "--latency", f"-c{connections}", f"-d{SECONDS_EACH}s", "-H", f"Cookie: {COOKIE}", f"{self.origin}/record.json"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS_EACH + 60).stdout
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{self.name} did not serve {connections} connections cleanly:\n{text}")
        units = {"us": 1e-3, "ms": 1.0, "s": 1e3}
        p50, p99 = (re.search(rf"{part}%\s+([\d.]+)(us|ms|s)\b", text) for part in (50, 99))
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        return rate, float(p50[1]) * units[p50[2]], float(p99[1]) * units[p99[2]]

    def exports(self, file: str) -> tuple[float, float]:
        """Milliseconds of CPU a MiB, and MiB a second."""
        spent, number, rate = self.wrk(file, 8)
        mib = number * EXPORT_MIB
        return spent / mib * 1e3, rate * EXPORT_MIB

    def handshakes(self, _file: str) -> tuple[float, float]:
        """Microseconds of CPU a full handshake, and handshakes a second; nothing is asked."""
        before = self.cpu_seconds()
        command = ["openssl", "s_time", "-connect", f"127.0.0.1:{self.port}", "-new", "-time", str(SECONDS_EACH)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
        texts = [process.communicate(timeout=SECONDS_EACH + 60)[0] for process in running]
        number = sum(int(re.search(r"(\d+) connections in \d+ real seconds", text)[1]) for text in texts)
        return (self.cpu_seconds() - before) / number * 1e6, number / SECONDS_EACH

    def http2(self, file: str) -> tuple[float, float]:
        """Microseconds of CPU a request, and requests a second, over HTTP/2."""
        before = self.cpu_seconds()
        command = ["h2load", "-c4", "-m32", "-D", str(SECONDS_EACH), "-H", f"cookie: {COOKIE}", f"{self.origin}/{file}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS_EACH + 60).stdout
        spent = self.cpu_seconds() - before
        number = int(re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", text)[1])
        return spent / number * 1e6, number / SECONDS_EACH

    def latency(self, file: str) -> tuple[float, float]:
        """The 50th and 99th percentile in milliseconds, at RATE requests a second.

        A process for each connection, begun a little apart: connections of one process would all ask at the
        same moments, which measures how a crowd is served and not how long a request takes.
        """
        each = max(1, RATE // LATENCY_CONNECTIONS)
        with tempfile.TemporaryDirectory() as folder:
            logs = [pathlib.Path(folder) / str(number) for number in range(LATENCY_CONNECTIONS)]
            running = []
            for log in logs:
                command = ["h2load", "--h1", "-c", "1", "--rps", str(each), "-D", str(SECONDS_EACH), "--warm-up-time", "1",
                           "--log-file", str(log), "-H", f"cookie: {COOKIE}", f"{self.origin}/{file}"]
                running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT))
                time.sleep(random.uniform(0, 0.02))
            if any(process.wait(timeout=SECONDS_EACH + 60) for process in running):
                sys.exit(f"{self.name}: h2load failed")
            # When it began, its status, how long it took; both times in microseconds.
            rows = [line.split("\t") for log in logs for line in log.read_text().splitlines() if line]
        wrong = [row for row in rows if row[1] != "200"]
        if wrong or len(rows) < RATE * SECONDS_EACH // 2:
            sys.exit(f"{self.name}: {len(wrong)} of {len(rows)} replies at a fixed rate are not 200")
        times = sorted(float(row[2]) / 1000 for row in rows)
        return times[len(times) // 2], times[len(times) * 99 // 100]

    def memory_each(self, number: int, ask: Callable[[ssl.SSLSocket], None]) -> float:
        """KiB that each of so many connections takes while it is open."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        before, held = self.memory_kib(), []
        for _ in range(number):
            raw = socket.create_connection(("127.0.0.1", self.port))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            held.append(context.wrap_socket(raw, server_hostname="localhost"))
            ask(held[-1])
        time.sleep(2)
        taken = self.memory_kib() - before
        for connection in held:
            connection.close()
        time.sleep(1)
        return taken / number


def head(file: str) -> bytes:
    return f"GET /{file} HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}\r\n\r\n".encode()


def asked(connection: ssl.SSLSocket) -> None:
    """One small reply was read; the connection stays open."""
    connection.sendall(head("record.json"))
    connection.recv(8192)


def exporting(connection: ssl.SSLSocket) -> None:
    """A large reply was asked for, and its first bytes read."""
    connection.sendall(head("export.csv"))
    connection.recv(1024)


EXPORT_MIB = 10
# What it is, how it is measured, of which file, the unit.
ROWS: list[tuple[str, str, str, str]] = [
    ("1 KiB JSON, counted", "requests", "record.json", "µs/request"),
    ("32 KiB JSON, counted", "requests", "list.json", "µs/request"),
    ("32 KiB HTML page", "requests", "page.html", "µs/request"),
    ("10 MiB JSON export, counted", "exports", "export.json", "ms/MiB"),
    ("10 MiB CSV export, counted", "exports", "export.csv", "ms/MiB"),
    ("full handshake", "handshakes", "", "µs/connection"),
    ("HTTP/2, 1 KiB JSON, counted", "http2", "record.json", "µs/request"),
]


def compare(proxies: list[Proxy], row: tuple[str, str, str, str]) -> None:
    name, how, file, unit = row
    turns: dict[str, list[tuple[float, float]]] = {proxy.name: [] for proxy in proxies}
    for _ in range(ROUNDS):
        for proxy in proxies:
            turns[proxy.name].append(getattr(proxy, how)(file))
    base = turns[proxies[0].name]
    for proxy in proxies:
        costs = [turn[0] for turn in turns[proxy.name]]
        # Turn against turn: a machine whose speed drifts is then the same for both.
        ratio = statistics.median(cost / other[0] for cost, other in zip(costs, base, strict=True))
        rate = statistics.median(turn[1] for turn in turns[proxy.name])
        print(f"  {name:32} {proxy.name:9} {statistics.median(costs):8.2f} {unit:14}"
              f" ({min(costs):.2f} to {max(costs):.2f})  {rate:8.0f}/s  ratio {ratio:.2f}", flush=True)


def main() -> None:
    proxies = [Proxy(text) for text in sys.argv[1:]]
    print("\nMemory at the start (MiB)")
    for proxy in proxies:
        print(f"  {proxy.name:9} {proxy.memory_kib() / 1024:.1f}", flush=True)
    for proxy in proxies:  # warm: connections, caches, the decision
        for file in ("record.json", "list.json", "page.html"):
            proxy.requests(file)
    print(f"\nCPU (median of {ROUNDS} turns of {SECONDS_EACH} s, and of their ratios)")
    for row in ROWS:
        compare(proxies, row)
    print(f"\nAt {RATE} requests a second over {LATENCY_CONNECTIONS} connections (ms, median of {ROUNDS} turns)")
    found: dict[str, list[tuple[float, float]]] = {proxy.name: [] for proxy in proxies}
    for _ in range(ROUNDS):
        for proxy in proxies:
            found[proxy.name].append(proxy.latency("record.json"))
    for name, turns in found.items():
        p50, p99 = (statistics.median(turn[part] for turn in turns) for part in (0, 1))
        print(f"  {name:9} p50 {p50:.2f}  p99 {p99:.2f}")
    print(f"\nEach connection asks again when answered: every event durable beside an access log that nobody syncs (median of {ROUNDS} turns)")
    for connections in CROWDS:
        turns = {proxy.name: [] for proxy in proxies}
        for _ in range(ROUNDS):
            for proxy in proxies:
                turns[proxy.name].append(proxy.crowd(connections))
        medians = {name: [statistics.median(turn[part] for turn in each) for part in range(3)] for name, each in turns.items()}
        for name, (rate, p50, p99) in medians.items():
            added = p50 - medians[proxies[0].name][1]
            print(f"  {connections:5} connections {name:9} {rate:8.0f}/s  p50 {p50:.2f} ms  p99 {p99:.2f} ms  added {added:.2f} ms", flush=True)
    print("\nMemory (KiB for each)")
    for proxy in proxies:
        idle, export = proxy.memory_each(IDLE_CONNECTIONS, asked), proxy.memory_each(SLOW_EXPORTS, exporting)
        print(f"  {proxy.name:9} idle connection {idle:.1f}  export in flight {export:.0f}", flush=True)


if __name__ == "__main__":
    main()
