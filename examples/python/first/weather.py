import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import weft

CITIES = {"Oslo": -3.0, "Lagos": 29.5}

service = weft.Service("weather")


@dataclass
class Reading:
    hour: int
    celsius: float


def celsius_of(city: str) -> float:
    if city not in CITIES:
        raise weft.Error(404, f"no city {city}")
    return CITIES[city]


@service.method(idempotent=True)
def now(city: str) -> Reading:
    return Reading(0, celsius_of(city))


@service.method
async def follow(city: str, hours: int = 24) -> AsyncIterator[Reading]:
    celsius = celsius_of(city)
    for hour in range(hours):
        yield Reading(hour, celsius + hour % 12)
        await asyncio.sleep(0.01)
