#include "actors/admission/usage.hpp"

namespace weft {
namespace {

/// Counts before it looks: two reactors may ask for the last place at once.
bool take_place(node_count& count, std::size_t most) noexcept {
  if (count.fetch_add(1, std::memory_order_relaxed) < static_cast<std::int64_t>(most)) return true;
  count.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

identity_counts::counts identity_counts::of(const std::string& name, const quota_limits& limits) {
  const std::scoped_lock lock(mutex_);
  auto& found = known_[name];
  if (limits == quota_limits{})
    found.quota.reset();
  else if (!found.quota || found.quota->limits() != limits)
    found.quota = std::make_shared<quota>(limits);
  return found;
}

std::expected<usage_account, usage_account::refusal> usage_account::take(std::shared_ptr<node_count> all,
                                                                         std::size_t limit,
                                                                         std::shared_ptr<node_count> own,
                                                                         std::size_t share) {
  if (own && !take_place(*own, share)) return std::unexpected(refusal::share);
  if (!take_place(*all, limit)) {
    if (own) own->fetch_sub(1, std::memory_order_relaxed);
    return std::unexpected(refusal::limit);
  }
  return usage_account(std::move(all), std::move(own));
}

std::optional<usage_account> usage_account::take_of_share(std::shared_ptr<node_count> own,
                                                          std::size_t share) {
  if (!take_place(*own, share)) return std::nullopt;
  return usage_account(nullptr, std::move(own));
}

usage_account& usage_account::operator=(usage_account&& other) noexcept {
  if (this == &other) return *this;
  release();
  all_ = std::move(other.all_);
  own_ = std::move(other.own_);
  return *this;
}

void usage_account::release() noexcept {
  for (auto* held : {&all_, &own_}) {
    if (const auto count = std::exchange(*held, nullptr)) count->fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace weft
