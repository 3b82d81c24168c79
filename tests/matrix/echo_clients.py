# SPDX-License-Identifier: MIT
# echo_clients.py HOST PORT COUNT: that many connections at once; each sends 100,000 bytes of its
# own and must get the same ones back.
import asyncio
import random
import sys


async def one(number):
    data = random.Random(number).randbytes(100000)
    reader, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    writer.write(data)
    assert await reader.readexactly(len(data)) == data, number
    writer.close()
    await writer.wait_closed()


async def main():
    await asyncio.gather(*[one(number) for number in range(int(sys.argv[3]))])

asyncio.run(asyncio.wait_for(main(), 50))
