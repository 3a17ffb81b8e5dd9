"""Drives each proxy in turn with wrk and h2load, and reads what its processes spent from /proc.

usage: measure.py NAME=PID=PORT NAME=PID=PORT     (the first is what the others are compared with)
"""

from __future__ import annotations

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROUNDS, SECONDS_EACH, RATE = (int(os.environ[name]) for name in ("ROUNDS", "SECONDS_EACH", "RATE"))
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS, LATENCY_CONNECTIONS = 64, 32
FILES = ["record.json", "list.json", "page.html"]


class Proxy:
    def __init__(self, text: str) -> None:
        self.name, pid, port = text.split("=")
        self.pid, self.origin = int(pid), f"https://localhost:{port}"

    def cpu_seconds(self) -> float:
        """What the process and its children have spent, in user and kernel mode."""
        children = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True).stdout.split()
        return sum(self._of(pid) for pid in [self.pid, *map(int, children)])

    @staticmethod
    def _of(pid: int) -> float:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self) -> float:
        children = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True).stdout.split()
        status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in [self.pid, *children]]
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status) / 1024

    def turn(self, file: str, seconds: int) -> tuple[float, float]:
        """Microseconds of CPU a request, and requests a second, at full speed."""
        before = self.cpu_seconds()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Cookie: {os.environ['COOKIE']}", f"{self.origin}/{file}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
        spent = self.cpu_seconds() - before
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{self.name} did not serve {file} cleanly:\n{text}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        return spent / requests * 1e6, float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    def latency(self, file: str, seconds: int) -> tuple[float, float]:
        """The 50th and 99th percentile in milliseconds, at RATE requests a second."""
        each = max(1, RATE // LATENCY_CONNECTIONS)
        with tempfile.NamedTemporaryFile() as log:
            command = ["h2load", "--h1", "-c", str(LATENCY_CONNECTIONS), "--rps", str(each), "-D", str(seconds), "--warm-up-time", "1",
                       "--log-file", log.name, "-H", f"cookie: {os.environ['COOKIE']}", f"{self.origin}/{file}"]
            subprocess.run(command, capture_output=True, check=True, timeout=seconds + 60)
            # When it began, its status, how long it took; both times in microseconds.
            rows = [line.split("\t") for line in pathlib.Path(log.name).read_text().splitlines() if line]
        wrong = [row for row in rows if row[1] != "200"]
        if wrong or len(rows) < 100:
            sys.exit(f"{self.name}: {len(wrong)} of {len(rows)} replies at a fixed rate are not 200")
        times = sorted(float(row[2]) / 1000 for row in rows)
        return times[len(times) // 2], times[len(times) * 99 // 100]


def main() -> None:
    proxies = [Proxy(text) for text in sys.argv[1:]]
    base = proxies[0]
    for proxy in proxies:  # warm: connections, caches, the decision
        for file in FILES:
            proxy.turn(file, 1)
    print(f"\nCPU a request (µs, median of {ROUNDS} turns of {SECONDS_EACH} s), requests a second")
    for file in FILES:
        turns: dict[str, list[tuple[float, float]]] = {proxy.name: [] for proxy in proxies}
        for _ in range(ROUNDS):
            for proxy in proxies:
                turns[proxy.name].append(proxy.turn(file, SECONDS_EACH))
        cpu = {name: statistics.median(turn[0] for turn in found) for name, found in turns.items()}
        for name, found in turns.items():
            spread = f"{min(turn[0] for turn in found):.1f} to {max(turn[0] for turn in found):.1f}"
            rate = statistics.median(turn[1] for turn in found)
            ratio = cpu[name] / cpu[base.name]
            print(f"  {file:12} {name:10} {cpu[name]:7.1f}  ({spread})  {rate:8.0f}/s  ratio {ratio:.2f}", flush=True)
    print(f"\nAt {RATE} requests a second over {LATENCY_CONNECTIONS} connections (ms, median of {ROUNDS} turns)")
    for file in FILES[:1]:
        found = {proxy.name: [] for proxy in proxies}
        for _ in range(ROUNDS):
            for proxy in proxies:
                found[proxy.name].append(proxy.latency(file, SECONDS_EACH))
        for name, turns in found.items():
            p50, p99 = (statistics.median(turn[part] for turn in turns) for part in (0, 1))
            print(f"  {file:12} {name:10} p50 {p50:.2f}  p99 {p99:.2f}")
    print("\nMemory after it (MiB)")
    for proxy in proxies:
        print(f"  {proxy.name:10} {proxy.memory_mib():.0f}")


main()
