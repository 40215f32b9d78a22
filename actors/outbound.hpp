// Keys and results of calls that this node makes.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include <nlohmann/json.hpp>

#include "actors/coro/event.hpp"
#include "proto/error.hpp"

namespace weft {

/// What a call comes to.
using result = std::expected<nlohmann::json, rpc_error>;

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

/// The raw result, or the error. What a coroutine waits for.
using raw_result = std::expected<std::string, rpc_error>;
using outbound_slot = coro::completion<raw_result>;

}  // namespace weft
