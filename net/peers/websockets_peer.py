# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
"""A server by python3-websockets: serves one client that echoes and exits with
0 if it did all that it should."""

import asyncio
import sys

import websockets

PAYLOADS = []
for size in (0, 1, 125, 126, 65535, 65536, 1000000):
    PAYLOADS.append("\u00e9" * (size >> 1) + "x" * (size & 1))
    PAYLOADS.append(b"\xfe" * size)


async def main():
    deflate = len(sys.argv) > 1 and sys.argv[1] == "deflate"
    done = asyncio.get_running_loop().create_future()

    async def serve(socket, *_):
        try:
            await check(socket, deflate)
            done.set_result(None)
        except Exception as error:  # pylint: disable=broad-except
            done.set_exception(error)

    async with websockets.serve(
        serve,
        "127.0.0.1",
        0,
        compression="deflate" if deflate else None,
        max_size=None,
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await done


async def check(socket, deflate):
    assert bool(socket.extensions) == deflate, "deflate was not agreed on"
    pong = await socket.ping("are you there")
    for i, payload in enumerate(PAYLOADS):
        if i % 3 == 2 and len(payload) > 1:
            half = len(payload) // 2
            await socket.send([payload[:half], payload[half:]])
        else:
            await socket.send(payload)
        echo = await socket.recv()
        assert type(echo) is type(payload), f"kind of {i}"
        assert echo == payload, f"echo {i}"
    await asyncio.wait_for(pong, 10)
    await socket.close(1001, "enough")
    assert socket.close_code == 1001, f"close code {socket.close_code}"


asyncio.run(main())
