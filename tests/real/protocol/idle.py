"""Connections that were used once and now do nothing: says in a file how many there are, and holds them.

usage: idle.py CONNECTIONS COUNT_FILE
"""

from __future__ import annotations

import asyncio
import pathlib
import sys

from browser import GATEWAY_PORT, tls

AT_ONCE = 100
REQUEST = f"GET /small HTTP/1.1\r\nHost: localhost:{GATEWAY_PORT}\r\n\r\n".encode()


async def open_one(turn: asyncio.Semaphore, context) -> tuple | None:
    async with turn:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", GATEWAY_PORT, ssl=context, server_hostname="localhost", limit=4096)
            writer.write(REQUEST)
            await asyncio.wait_for(reader.readuntil(b"small\n"), 20)
            return reader, writer
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return None


async def main(wanted: int, count_file: str) -> None:
    turn, context = asyncio.Semaphore(AT_ONCE), tls()
    opened = await asyncio.gather(*(open_one(turn, context) for _ in range(wanted)))
    standing = [pair for pair in opened if pair and not pair[0].at_eof()]
    pathlib.Path(count_file).write_text(f"{len(standing)}\n")
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
