// Who a certificate is for, as programs compare it and as messages show it.
//
// Pure functions. Whatever a certificate holds, the texts are short and printable ASCII.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;

namespace weft::tls {

enum class name_kind : std::uint8_t { dns, uri, ip };

/// A subject alternative name. Those with bytes that do not belong into such a name are left out: somebody
/// could mistake them for another one.
struct san {
  name_kind kind = name_kind::dns;
  /// IPv6 as inet_ntop(3) writes it.
  std::string text;
  friend bool operator==(const san&, const san&) = default;
};

std::vector<san> names_of(const x509_st& certificate);

/// What kind of name a text is: an address, a URI (`scheme://…`), else DNS. Addresses are written anew, so
/// that they compare equal.
san name_from(std::string_view text);

/// Whether one of `demanded` is among `names`, to the letter; DNS names in either case. A wildcard in a
/// certificate stands for itself only.
bool any_of(std::span<const san> names, std::span<const std::string> demanded);

/// For messages: the first few names, or that there are none.
std::string list_of(std::span<const san> names);
/// For messages: the first name, or the subject.
std::string short_name(const x509_st& certificate);
std::string subject_of(const x509_st& certificate);
std::string issuer_of(const x509_st& certificate);

using time_point = std::chrono::system_clock::time_point;
time_point valid_from(const x509_st& certificate);
time_point valid_until(const x509_st& certificate);
/// As in 2026-01-02, in UTC.
std::string date_text(time_point when);

/// Printable ASCII and at most so many characters, the rest replaced.
std::string shown(std::string_view text, std::size_t longest = 200);

}  // namespace weft::tls
