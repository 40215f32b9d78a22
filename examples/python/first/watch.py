import sys

import weft
from weather import Reading


async def main(address: str, city: str) -> None:
    async with weft.connect(address, name="watch") as node:
        async for each in node.stream("weather.follow", weft.options(returns=Reading), city=city, hours=3):
            print(f"{each.hour:02}:00 {each.celsius:g} °C")


try:
    weft.run(main(*sys.argv[1:]))
except weft.Error as error:
    sys.exit(str(error))
