#!/usr/bin/env python3
"""Creates orders at a fixed rate through all NODEs and prints how they ended, then whether the books agree.

    ./load.py --rate 50 --seconds 10 --ledgers build/shop 127.0.0.1:7401 127.0.0.1:7402

Orders are sent when it is their time, however slow the answers are. One that certainly did not run is sent again
over another connection; one that may have run is not. Exit status: 0 when every order succeeded and was charged once.
"""

import argparse
import asyncio
import collections
import json
import logging
import pathlib
import sys
import uuid

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))  # where it is not installed

import weft  # noqa: E402

ATTEMPTS = 3
ORDER_TIMEOUT = 5
RETRY_DELAY = 0.05
USERS = 10


class Load:
    def __init__(self):
        self.counts = collections.Counter()
        self.outcomes = {}  # request key -> "ok", "not_executed", "unknown" or "error CODE"
        self.errors = {}    # one message for each kind of failure
        self._nodes = []
        self._turn = 0

    async def hold(self, address):
        """Keeps a connection in the rotation, from when the node is there."""
        said = None
        while True:
            try:
                self._nodes.append(await weft.connect(address, name="load", timeout=ORDER_TIMEOUT))
                return
            except weft.Error as error:
                if str(error) != said:
                    said = str(error)
                    logging.warning("%s; trying on", said)
                await asyncio.sleep(RETRY_DELAY)

    async def _attempt(self, order):
        async with asyncio.timeout(ORDER_TIMEOUT):
            while not (there := [node for node in self._nodes if node.state == "connected"]):
                await asyncio.sleep(RETRY_DELAY)
        self._turn += 1
        # Sent again over another connection, so this one tries only once.
        return await there[self._turn % len(there)].call("orders.create", weft.options(attempts=1), **order)

    async def _outcome(self, order):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._attempt(order)
                return "ok"
            except TimeoutError:
                self.errors["not_executed"] = f"no node could be reached in {ORDER_TIMEOUT} s"
                return "not_executed"
            except weft.Error as error:
                if error.safe_to_retry and attempt < ATTEMPTS:
                    self.counts["sent again"] += 1
                    await asyncio.sleep(RETRY_DELAY * attempt)
                    continue
                kind = f"error {error.code}"
                if error.executed is not None:
                    kind = "not_executed" if error.safe_to_retry else "unknown"
                self.errors[kind] = str(error)
                return kind

    async def order(self, number):
        key = str(uuid.uuid4())
        outcome = await self._outcome({"key": key, "user": number % USERS + 1, "amount_cents": 100 + number})
        self.outcomes[key] = outcome
        self.counts[outcome] += 1

    async def run(self, rate, seconds):
        """Orders at their times; every second a line with the counts so far."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        orders = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(began + number / rate - loop.time())
            orders.append(asyncio.create_task(self.order(number)))
            if (number + 1) % max(1, int(rate)) == 0:
                print(f"{number + 1} orders sent:", dict(self.counts), flush=True)
        await asyncio.gather(*orders)


def audit(outcomes, ledgers):
    """Compares what the callers were told with what the billing instances did."""
    charges = collections.Counter()
    for ledger in ledgers.glob("*.ledger"):
        for line in ledger.read_text(encoding="utf-8").splitlines():
            charges[json.loads(line)["key"]] += 1
    times = {key: charges[key] for key in outcomes}
    return {
        "charged twice": sum(count > 1 for count in times.values()),
        "ok but not charged": sum(outcomes[key] == "ok" and count == 0 for key, count in times.items()),
        "charged but not_executed": sum(outcomes[key] == "not_executed" and count > 0
                                        for key, count in times.items()),
    }


async def main(arguments):
    load = Load()
    holding = [asyncio.create_task(load.hold(address)) for address in arguments.nodes]
    await load.run(arguments.rate, arguments.seconds)
    for each in holding:
        each.cancel()
    result = {"orders": len(load.outcomes), "outcomes": dict(load.counts), "errors": load.errors}
    good = load.counts["ok"] == len(load.outcomes)
    if arguments.ledgers and not any(arguments.ledgers.glob("*.ledger")):
        print(f"load: there are no ledgers in {arguments.ledgers}; billing instances write them there", file=sys.stderr)
        good = False
    elif arguments.ledgers:
        result["books"] = audit(load.outcomes, arguments.ledgers)
        good = good and not any(result["books"].values())
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20, help="orders per second (20)")
    parser.add_argument("--seconds", type=float, default=10, help="for how long (10)")
    parser.add_argument("--ledgers", type=pathlib.Path, help="the folder of the billing instances' ledgers")
    parser.add_argument("nodes", nargs="+", metavar="NODE", help="HOST:PORT")
    logging.basicConfig(level=logging.INFO, format="load: %(message)s")
    sys.exit(asyncio.run(main(parser.parse_args())))
