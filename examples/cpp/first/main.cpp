#include "weather.hpp"

int main(int argc, char** argv) {
  return weft::run(argc, argv, weather());
}
