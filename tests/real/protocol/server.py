"""An application that streams: large bodies both ways in pieces, rows without end, sockets that echo.

usage: server.py PORT
"""

from __future__ import annotations

import sys

from aiohttp import WSMsgType, web

PIECE = b"\x5a" * 262_144
ROWS = b"".join(b"%06d,Test Patient,1970-01-01,synthetic\r\n" % number for number in range(5_000))


async def small(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(text="small\n")


async def download(request: web.Request) -> web.StreamResponse:
    left = int(request.query["bytes"])
    reply = web.StreamResponse(headers={"Content-Length": str(left), "Content-Type": "application/octet-stream"})
    await reply.prepare(request)
    while left:
        piece = PIECE[:left]
        await reply.write(piece)
        left -= len(piece)
    return reply


async def export(request: web.Request) -> web.StreamResponse:
    """Rows, of which nobody says how many there will be."""
    reply = web.StreamResponse(headers={"Content-Type": "text/csv"})
    await reply.prepare(request)
    await reply.write(b"id,name,born,note\r\n")
    for _ in range(int(request.query["bytes"]) // len(ROWS)):
        await reply.write(ROWS)
    await reply.write_eof()
    return reply


async def upload(request: web.Request) -> web.Response:
    received = 0
    async for piece in request.content.iter_any():
        received += len(piece)
    return web.Response(text=str(received))


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=1 << 20)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


application = web.Application(client_max_size=0)
application.add_routes(
    [
        web.get("/small", small),
        web.post("/small", small),
        web.get("/page", small),
        web.get("/download", download),
        web.get("/export", export),
        web.post("/upload", upload),
        web.get("/echo", echo),
    ]
)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
