"""WebSockets through Leastway that go on for a while: everything that is said comes back, in order.

usage: sockets.py COOKIE SOCKETS SECONDS
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time

from browser import GATEWAY_PORT, tls
from checks import Checks
from websockets.asyncio.client import connect

ORIGIN = f"https://localhost:{GATEWAY_PORT}"
SIZES = (0, 1, 125, 126, 1_000, 65_535, 65_536, 200_000)

checks = Checks()


async def talk(number: int, cookie: str, until: float) -> tuple[int, int]:
    chance = random.Random(number)
    said, size = 0, 0
    headers = {"Cookie": cookie}
    async with connect(f"wss://localhost:{GATEWAY_PORT}/echo", ssl=tls(), origin=ORIGIN, additional_headers=headers, max_size=1 << 20, open_timeout=30, compression=None) as socket:
        while time.monotonic() < until:
            batch = [chance.randbytes(chance.choice(SIZES)) for _ in range(3)]
            for message in batch:
                await socket.send(message)
            for message in batch:
                if await asyncio.wait_for(socket.recv(), 20) != message:
                    raise RuntimeError("another message came back")
                said, size = said + 1, size + len(message)
            await asyncio.sleep(chance.random() / 5)
    return said, size


async def main(cookie: str, sockets: int, seconds: int) -> None:
    until = time.monotonic() + seconds
    results = await asyncio.gather(*(talk(number, cookie, until) for number in range(sockets)), return_exceptions=True)
    broken = [result for result in results if isinstance(result, BaseException)]
    whole = [result for result in results if not isinstance(result, BaseException)]
    said, size = sum(count for count, _ in whole), sum(size for _, size in whole)
    sentence = f"{sockets} WebSockets for {seconds} s: {said:,} messages, {size >> 20:,} MiB, each came back as it was"
    checks.check(sentence, not broken and said > sockets * 3, broken[:3])


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
checks.end()
