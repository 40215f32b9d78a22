#include "actors/router/answers.hpp"

#include <fmt/format.h>

namespace weft {

void answers::result(const answer_target& target, std::string_view raw_result) {
  render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, raw_result); });
}

void answers::error(const answer_target& target, const rpc_error& error) {
  render(target, [&](std::string& out) { proto::append_error(out, target.raw_id, error); });
}

rpc_error answers::batch_too_large() const {
  site_.metrics().add(metric::limit_output_hard);
  return site_.exhausted("the answers of this batch are too large (limits.output_hard_bytes)",
                         executed::unknown);
}

batch_answers* answers::open_group(std::span<const inbound_item> items, connection_key to) {
  std::uint32_t wanted = 0;
  for (const auto& item : items) {
    const auto& message = item.message;
    const bool answered = message.kind == proto::message_kind::request ||
                          (message.kind == proto::message_kind::invalid && !is_response_defect(message.why));
    if (answered) ++wanted;
  }
  if (wanted == 0) return nullptr;
  if (free_groups_.empty()) free_groups_.push_back(std::make_unique<batch_answers>());
  auto* group = free_groups_.back().release();
  free_groups_.pop_back();
  site_.metrics().add(metric::batches_open);
  group->to = to;
  group->parts.assign(wanted, {});
  group->missing = wanted;
  return group;
}

void answers::complete(batch_answers& group) {
  if (auto* entry = connections_.find(group.to)) {
    std::size_t bytes = proto::frame_header_bytes + 1;
    for (const auto& part : group.parts) bytes += part.size + 1;
    if (const auto refusal = connections_.check_room(*entry, bytes, executed::unknown)) [[unlikely]]
      make_fit(group, *entry, *refusal);
    auto& out = connections_.output(*entry).bulk;
    const auto start = proto::begin_frame(out);
    char separator = '[';
    for (const auto& part : group.parts) {
      if (part.size == 0) continue;
      out.push_back(separator);
      separator = ',';
      out.append(group.text, part.offset, part.size);
    }
    out.push_back(']');
    proto::end_frame(out, start);
  }
  release(group);
}

std::vector<std::string> answers::errors_for(const batch_answers& group, const rpc_error& error) const {
  std::vector<std::string> errors;
  for (const auto& part : group.parts) {
    proto::envelope answer;
    std::vector<proto::envelope> none;
    proto::scan(std::string_view(group.text).substr(part.offset, part.size),
                {site_.options.limits.depth, 1, false}, answer, none);
    proto::append_error(errors.emplace_back(), answer.id, error);
  }
  return errors;
}

void answers::make_fit(batch_answers& group, const connection_entry& entry, const rpc_error& refusal) {
  // What says the most and leaves room for all of them.
  auto brief = make_error(static_cast<error_code>(refusal.code), "the answers are too many bytes");
  brief.data = R"({"executed":"unknown"})";
  auto briefest = brief;
  briefest.data.clear();
  std::vector<std::string> errors;
  std::size_t least = 0;
  for (const auto* error : {&brief, &briefest}) {
    errors = errors_for(group, *error);
    least = 2;
    for (std::size_t i = 0; i < errors.size(); ++i)
      least += std::min<std::size_t>(group.parts[i].size, errors[i].size()) + 1;
    if (least <= entry.party.accepts) break;
  }
  // In order, as long as those behind it have room for an error at least.
  for (std::size_t i = 0; i < group.parts.size(); ++i) {
    auto& part = group.parts[i];
    if (part.size <= errors[i].size()) continue;
    const auto with_it = least + part.size - errors[i].size();
    if (with_it <= entry.party.accepts) {
      least = with_it;
    } else {
      part = {static_cast<std::uint32_t>(group.text.size()), static_cast<std::uint32_t>(errors[i].size())};
      group.text += errors[i];
    }
  }
}

void answers::replace_with_error(const answer_target& target, connection_entry& entry, std::size_t start) {
  auto& out = connections_.output(entry).bulk;
  site_.metrics().add(metric::limit_output_hard);
  const auto error = site_.exhausted(
      fmt::format("{} bytes of large answers wait to be sent to {} (limits.output_hard_bytes)",
                  entry.held_back.bytes, entry.party.node),
      executed::unknown);
  out.resize(start);
  proto::begin_frame(out);
  proto::append_error(out, target.raw_id, error);
  proto::end_frame(out, start);
}

void answers::drop_part(batch_answers& group) {
  if (--group.missing == 0) release(group);
}

void answers::release(batch_answers& group) {
  constexpr std::size_t keep = std::size_t{64} * 1024;
  site_.metrics().add(metric::batches_open, -1);
  group.text.clear();
  if (group.text.capacity() > keep) std::string().swap(group.text);
  group.parts.clear();
  free_groups_.emplace_back(&group);
}

}  // namespace weft
