import { Service, sleep, WeftError } from "weft";

const cities = { Oslo: -3, Lagos: 29.5 };

function celsiusOf(city) {
  if (!Object.hasOwn(cities, city)) throw new WeftError(404, `no city ${city}`);
  return cities[city];
}

function now({ city }) {
  return { hour: 0, celsius: celsiusOf(city) };
}

async function* follow({ city, hours }) {
  const celsius = celsiusOf(city);
  for (let hour = 0; hour < hours; ++hour) {
    yield { hour, celsius: celsius + (hour % 12) };
    await sleep(10);
  }
}

export const weather = new Service("weather")
  .method("weather.now", { params: { city: "string" }, idempotent: true }, now)
  .method("weather.follow", { params: { city: "string", hours: { type: "integer", default: 24 } } }, follow);
