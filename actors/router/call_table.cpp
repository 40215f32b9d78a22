#include "actors/router/call_table.hpp"

#include "actors/runtime/text_hash.hpp"

namespace weft {
namespace {

std::uint64_t hash_of(connection_key caller, std::string_view raw_id) noexcept {
  return text_hash(raw_id, std::uint64_t{caller.generation} << 32U | caller.slot);
}

}  // namespace

call& call_table::acquire() {
  if (free_.empty()) {
    auto fresh = std::make_unique<call>(owner_);
    fresh->key.slot = static_cast<std::uint32_t>(slots_.size());
    fresh->key.generation = 1;
    retained_bytes_ += fresh->asked.text.capacity();
    slots_.push_back(std::move(fresh));
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  call& c = *slots_[free_.back()];
  free_.pop_back();
  retained_bytes_ -= c.asked.text.capacity();
  ++in_use_;
  return c;
}

call* call_table::find(call_key key) const noexcept {
  if (key.slot >= slots_.size()) return nullptr;
  call* c = slots_[key.slot].get();
  return c->key == key && c->from != call::origin::none ? c : nullptr;
}

void call_table::release(call& c) {
  c.reset();
  if (retained_bytes_ + c.asked.text.capacity() > most_retained_bytes) c.asked.text = std::string();
  retained_bytes_ += c.asked.text.capacity();
  ++c.key.generation;
  free_.push_back(c.key.slot);
  --in_use_;
}

void call_table::index(call& c) {
  if (indexed_ >= buckets_.size()) grow_index();
  c.caller.index.hash = hash_of(c.caller.key, c.caller.raw_id);
  auto& bucket = buckets_[c.caller.index.hash & (buckets_.size() - 1)];
  c.caller.index.next = bucket;
  bucket = &c;
  ++indexed_;
}

void call_table::unindex(call& c) noexcept {
  auto* link = &buckets_[c.caller.index.hash & (buckets_.size() - 1)];
  while (*link != nullptr && *link != &c) link = &(*link)->caller.index.next;
  if (*link == nullptr) return;
  *link = c.caller.index.next;
  c.caller.index.next = nullptr;
  --indexed_;
}

call* call_table::find(connection_key caller, std::string_view raw_id) const noexcept {
  const auto hash = hash_of(caller, raw_id);
  for (auto* c = buckets_[hash & (buckets_.size() - 1)]; c != nullptr; c = c->caller.index.next) {
    if (c->caller.index.hash == hash && c->caller.key == caller && c->caller.raw_id == raw_id) return c;
  }
  return nullptr;
}

void call_table::grow_index() {
  std::vector<call*> old(buckets_.size() * 2);
  old.swap(buckets_);
  for (auto* c : old) {
    while (c != nullptr) {
      auto* next = c->caller.index.next;
      auto& bucket = buckets_[c->caller.index.hash & (buckets_.size() - 1)];
      c->caller.index.next = bucket;
      bucket = c;
      c = next;
    }
  }
}

}  // namespace weft
