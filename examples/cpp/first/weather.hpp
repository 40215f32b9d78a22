// The weather service of docs/first-service.md: what it answers, and the service itself.
#pragma once

#include <weft/service.hpp>

struct reading {
  int hour;
  double celsius;
};
WEFT_FIELDS(reading, hour, celsius)

weft::service weather();
