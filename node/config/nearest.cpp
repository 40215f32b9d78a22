#include "node/config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace weft {
namespace {

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

/// Levenshtein distance, two rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    current[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitution = previous[j] + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      current[j + 1] = std::min({previous[j + 1] + 1, current[j] + 1, substitution});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  const auto distance = [name](const std::string& candidate) { return edit_distance(name, candidate); };
  const auto best = std::ranges::min_element(candidates, {}, distance);
  return best == candidates.end() ? std::string{} : *best;
}

std::string near_name(std::string_view name, std::span<const std::string> candidates) {
  const auto word = [](std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of('-'), text.size()));
    return text;
  };
  auto best = nearest_name(name, candidates);
  const auto longer = std::max(word(name).size(), word(best).size());
  return edit_distance(name, best) <= std::max<std::size_t>(longer / 3, 1) ? best : std::string();
}

std::string suggestion(std::string_view name, std::span<const std::string> candidates,
                       std::string_view otherwise) {
  const auto near = near_name(name, candidates);
  return near.empty() ? std::string(otherwise) : fmt::format("; the nearest known one is {}", near);
}

}  // namespace weft
