// Names of connections and calls: small values that outlive what they name, and say so by a generation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

/// Names a connection within its router.
struct connection_key {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const connection_key&, const connection_key&) = default;
};

/// A connection anywhere in this process.
struct connection_address {
  std::size_t reactor_index = 0;
  connection_key key;
  friend bool operator==(const connection_address&, const connection_address&) = default;
};

/// Names a call within its router; fits a JSON number that every client reads exactly (52 bits).
struct call_key {
  static constexpr std::uint32_t slot_bits = 20;

  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  std::uint64_t number() const noexcept { return std::uint64_t{generation} << slot_bits | slot; }
  static call_key from(std::uint64_t number) noexcept {
    return {static_cast<std::uint32_t>(number & ((1U << slot_bits) - 1)),
            static_cast<std::uint32_t>(number >> slot_bits)};
  }
  friend bool operator==(const call_key&, const call_key&) = default;
};

/// Names one of the two attempts that a call may have under way: the id on the wire (53 bits).
struct attempt_key {
  call_key call;
  std::uint8_t which = 0;

  std::uint64_t number() const noexcept { return call.number() << 1U | which; }
  static attempt_key from(std::uint64_t number) noexcept {
    return {call_key::from(number >> 1U), static_cast<std::uint8_t>(number & 1U)};
  }
  friend bool operator==(const attempt_key&, const attempt_key&) = default;
};

}  // namespace weft
