// Writing answers: into a connection's output, or into the place of a JSON-RPC batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/router/connections.hpp"
#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft {

/// The answers of one JSON-RPC batch, gathered until all are there.
struct batch_answers {
  struct part {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  connection_key to;
  std::string text;
  std::vector<part> parts;
  std::uint32_t missing = 0;
};

/// Where an answer goes.
struct answer_target {
  connection_key to;
  std::string_view raw_id;
  batch_answers* group = nullptr;
  std::uint32_t part = 0;
  /// False for a notification.
  bool wanted = true;
};

class answers {
 public:
  answers(router_site& site, connections& entries) noexcept : site_(site), connections_(entries) {}

  /// `write` appends the whole response to a string.
  template <class Write>
  void render(const answer_target& target, Write&& write);
  void result(const answer_target& target, std::string_view raw_result);
  void error(const answer_target& target, const rpc_error& error);

  /// Null when nothing of the batch, which is these items, is answered.
  batch_answers* open_group(std::span<const inbound_item> items, connection_key to);
  /// Only calls of a connection that is gone are dropped, so nobody waits for the rest.
  void drop_part(batch_answers& group);

 private:
  void complete(batch_answers& group);
  /// The answer that begins there is too much for a link.
  void replace_with_error(const answer_target& target, connection_entry& entry, std::size_t start);
  /// Puts errors in place of answers, so that the rest is not larger than the connection takes.
  void make_fit(batch_answers& group, const connection_entry& entry, const rpc_error& refusal);
  /// The error in the place of each answer, with its id.
  std::vector<std::string> errors_for(const batch_answers& group, const rpc_error& error) const;
  void release(batch_answers& group);
  rpc_error batch_too_large() const;

  router_site& site_;
  connections& connections_;
  std::vector<std::unique_ptr<batch_answers>> free_groups_;
};

template <class Write>
void answers::render(const answer_target& target, Write&& write) {
  if (!target.wanted) return;
  if (target.group != nullptr) {
    auto& group = *target.group;
    const auto start = group.text.size();
    write(group.text);
    if (start > site_.options.limits.output_hard_bytes / 2) [[unlikely]] {
      group.text.resize(start);
      proto::append_error(group.text, target.raw_id, batch_too_large());
    }
    group.parts[target.part] = {static_cast<std::uint32_t>(start),
                                static_cast<std::uint32_t>(group.text.size() - start)};
    if (--group.missing == 0) complete(group);
    return;
  }
  auto* entry = connections_.find(target.to);
  if (entry == nullptr) return;
  auto& out = connections_.output(*entry).bulk;
  const auto start = proto::begin_frame(out);
  write(out);
  if (const auto refusal = connections_.check_room(*entry, out.size() - start, executed::unknown))
      [[unlikely]] {
    out.resize(start + proto::frame_header_bytes);
    proto::append_error(out, target.raw_id, *refusal);
  }
  proto::end_frame(out, start);
  if (entry->is_link() && !connections_.hold_back(*entry, start)) [[unlikely]]
    replace_with_error(target, *entry, start);
}

}  // namespace weft
