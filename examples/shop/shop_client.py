"""What the shop's Python programs share: one connection after another, to the nearest node that answers."""

import asyncio
import logging
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))

import weft_client  # noqa: E402

FIRST_DELAY = 0.05
LONGEST_DELAY = 5

log = logging.getLogger("shop")


async def stay_connected(addresses, use, **options):
    """Runs `use(connection)` again and again, for ever; `options` are those of `weft_client.connect`.

    `addresses` begin with the nearest node. The others are asked while it is down or drains: a node that sends
    `$/goaway` accepts no connection any more, so the next one takes its place at once."""
    delay = FIRST_DELAY
    while True:
        for address in addresses:
            try:
                async with weft_client.connect(address, **options) as connection:
                    delay = FIRST_DELAY
                    await use(connection)
                    break
            except (OSError, weft_client.RpcError) as error:
                log.warning("no connection to %s: %s", address, error)
        else:
            # Jitter keeps a thousand services from coming back in the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(2 * delay, LONGEST_DELAY)
