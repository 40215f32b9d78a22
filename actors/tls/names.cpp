#include "actors/tls/names.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "actors/tls/handles.hpp"

namespace weft::tls {
namespace {

/// Messages show so many names of a certificate.
constexpr std::size_t names_shown = 8;
/// More are of no use to anybody; certificates of proxies hold a hundred.
constexpr int names_read = 1000;

bool is_graphic(char c) {
  return c > ' ' && c <= '~';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view bytes_of(const ASN1_STRING& text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&text)),
          static_cast<std::size_t>(ASN1_STRING_length(&text))};
}

/// Empty when the bytes are no address.
std::string address_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
  if (family == AF_INET6 && bytes.size() != sizeof(in6_addr)) return {};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

void add_name(std::vector<san>& names, const GENERAL_NAME& name) {
  int type = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &type));
  if (type == GEN_IPADD) {
    auto text = address_text(bytes_of(*value));
    if (!text.empty()) names.push_back({name_kind::ip, std::move(text)});
  } else if (type == GEN_DNS || type == GEN_URI) {
    const auto text = bytes_of(*value);
    if (text.empty() || !std::ranges::all_of(text, is_graphic)) return;
    names.push_back({type == GEN_DNS ? name_kind::dns : name_kind::uri, std::string(text)});
  }
}

/// As RFC 4514 has it, with everything escaped that is not printable ASCII.
std::string text_of(const X509_NAME* name) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return shown({data, static_cast<std::size_t>(std::max(size, 0L))});
}

time_point time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace

std::vector<san> names_of(const x509_st& certificate) {
  std::vector<san> names;
  const general_names_ptr found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = std::min(found ? sk_GENERAL_NAME_num(found.get()) : 0, names_read);
  for (int i = 0; i < count; ++i) add_name(names, *sk_GENERAL_NAME_value(found.get(), i));
  return names;
}

san name_from(std::string_view text) {
  std::array<char, sizeof(in6_addr)> bytes{};
  const std::string copy(text);
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1)
    return {name_kind::ip, address_text({bytes.data(), sizeof(in_addr)})};
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1)
    return {name_kind::ip, address_text({bytes.data(), sizeof(in6_addr)})};
  return {text.contains("://") ? name_kind::uri : name_kind::dns, copy};
}

bool any_of(std::span<const san> names, std::span<const std::string> demanded) {
  return std::ranges::any_of(demanded, [names](const std::string& each) {
    const san wanted = name_from(each);
    return std::ranges::any_of(names, [&wanted](const san& name) {
      return name.kind == wanted.kind &&
             (name.kind == name_kind::dns ? same_without_case(name.text, wanted.text)
                                          : name.text == wanted.text);
    });
  });
}

std::string list_of(std::span<const san> names) {
  std::string list;
  for (const san& name : names.first(std::min(names.size(), names_shown)))
    list += fmt::format("{}{}", list.empty() ? "" : ", ", shown(name.text));
  if (names.size() > names_shown) list += fmt::format(" and {} more", names.size() - names_shown);
  return list.empty() ? "none" : list;
}

std::string short_name(const x509_st& certificate) {
  const auto names = names_of(certificate);
  return names.empty() ? subject_of(certificate) : shown(names.front().text);
}

std::string subject_of(const x509_st& certificate) {
  return text_of(X509_get_subject_name(&certificate));
}

std::string issuer_of(const x509_st& certificate) {
  return text_of(X509_get_issuer_name(&certificate));
}

time_point valid_from(const x509_st& certificate) {
  return time_of(X509_get0_notBefore(&certificate));
}

time_point valid_until(const x509_st& certificate) {
  return time_of(X509_get0_notAfter(&certificate));
}

std::string date_text(time_point when) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

std::string shown(std::string_view text, std::size_t longest) {
  std::string out(text.substr(0, longest));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > longest) out += "...";
  return out;
}

}  // namespace weft::tls
