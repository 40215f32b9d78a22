// nlohmann_json's opinion on a text, for holding the scanner against it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "proto/envelope.hpp"

namespace weft::test {

enum class verdict : std::uint8_t { accepted, rejected, undecided };

/// Forgets the values and keeps what went wrong, so that deep texts build no tree.
class verdict_handler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  verdict opinion = verdict::accepted;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    // A number beyond double (1e400) is JSON all the same: nlohmann gives up there without having seen the
    // rest.
    constexpr int number_out_of_range = 406;
    opinion = error.id == number_out_of_range ? verdict::undecided : verdict::rejected;
    return false;
  }
};

inline verdict nlohmann_verdict(std::string_view text) {
  verdict_handler handler;
  nlohmann::json::sax_parse(text, &handler);
  return handler.opinion;
}

/// Where the scanner refuses what nlohmann 3.11 accepts, and rightly: RFC 8259 forbids a byte order mark; for
/// nlohmann a NUL behind the value ends the text; depth is a limit of ours, not grammar.
inline bool is_known_difference(std::string_view text, const proto::scan_result& outcome) {
  if (outcome.why == proto::defect::byte_order_mark || outcome.why == proto::defect::too_deep) return true;
  return outcome.why == proto::defect::trailing_bytes && text[outcome.offset] == '\0';
}

/// Empty when scanner and nlohmann agree on this text, else a sentence.
inline std::string disagreement(std::string_view text) {
  const proto::scan_result outcome = proto::validate(text, proto::depth_limit);
  const bool accepted = outcome.kind != proto::scan_kind::rejected;
  const verdict other = nlohmann_verdict(text);
  if (other == verdict::undecided || accepted == (other == verdict::accepted)) return {};
  if (!accepted && is_known_difference(text, outcome)) return {};
  return accepted ? "the scanner accepts what nlohmann rejects"
                  : "the scanner rejects what nlohmann accepts: " + std::string(to_string(outcome.why));
}

}  // namespace weft::test
