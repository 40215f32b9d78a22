#include "proto/json/defect.hpp"

#include <utility>

namespace weft::proto {

std::string_view to_string(defect why) noexcept {
  constexpr std::string_view texts[] = {
#define WEFT_DEFECT(name, text) text,
#include "proto/json/defects.inc"
#undef WEFT_DEFECT
  };
  return texts[std::to_underlying(why)];
}

bool is_parse_defect(defect why) noexcept {
  return why >= defect::empty_text && why <= defect::too_deep;
}

bool is_response_defect(defect why) noexcept {
  return why == defect::result_and_error || why == defect::error_malformed ||
         why == defect::response_without_id;
}

}  // namespace weft::proto
