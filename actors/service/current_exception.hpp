// What a handler has thrown, as a text.
#pragma once

#include <exception>
#include <string>

namespace weft {

/// From inside a catch block.
inline std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace weft
