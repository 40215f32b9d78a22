#include "actors/transport/frame_input.hpp"

#include <algorithm>
#include <utility>

namespace weft {

void frame_input::take(std::string_view bytes, inbound_batch& batch) {
  if (status_.frames_read == 0) beginning_.add(bytes);
  batch.broken = reader_.feed(bytes, [&](std::string_view payload) { scan(batch, payload); });
  count_unfinished();
}

void frame_input::scan(inbound_batch& batch, std::string_view payload) {
  const auto& options = shared_.options;
  const proto::scan_options scan_options{options.limits.depth, options.limits.batch_size,
                                         options.protocol.require_version};
  ++status_.frames_read;
  shared_.loop.metrics().add(metric::frames_read);
  // A complete frame restarts the clock for the next one.
  frame_started_ = {};
  batch.bytes += payload.size();
  auto& item = batch.items.emplace_back();
  const auto result = proto::scan(payload, scan_options, item.message, shared_.scan_batch);
  item.kind = result.kind;
  item.why = result.why;
  item.offset = result.offset;
  if (result.kind == proto::scan_kind::rejected) item.message.text = payload;
  if (result.kind != proto::scan_kind::batch) return;
  batch.items.pop_back();
  const auto group = static_cast<std::int32_t>(batch.groups.size());
  batch.groups.push_back(static_cast<std::uint32_t>(shared_.scan_batch.size()));
  batch.group_texts.push_back(payload);
  for (const auto& envelope : shared_.scan_batch) {
    batch.items.push_back({proto::scan_kind::single, proto::defect::none, 0, group, envelope});
  }
}

void frame_input::count_unfinished() noexcept {
  const auto now = reader_.buffered_bytes();
  if (now == status_.unfinished_bytes) return;
  shared_.unfinished_bytes += now - status_.unfinished_bytes;
  status_.unfinished_bytes = now;
}

void frame_input::forget_unfinished() noexcept {
  shared_.unfinished_bytes -= std::exchange(status_.unfinished_bytes, 0);
}

void frame_input::put_back(std::string_view frames, bool resumed, proto::frame_error broke) {
  if (!put_back_) put_back_ = std::make_unique<frames_put_back>();
  auto& [waiting, begin, text, with_router, broken] = *put_back_;
  if (broke != proto::frame_error::none) broken = broke;
  if (!resumed) {
    waiting += frames;
    return;
  }
  // The end of what was taken from there.
  begin -= frames.size();
  std::ranges::copy(frames, waiting.begin() + static_cast<std::ptrdiff_t>(begin));
}

void frame_input::resume(inbound_batch& batch) {
  // So that who cannot go on for long does not have much looked at each time, most of it in vain.
  constexpr std::size_t most = 16'384;
  auto& [waiting, begin, text, with_router, broken] = *put_back_;
  const auto rest = std::string_view(waiting).substr(begin);
  text = rest.substr(0, proto::whole_frames(rest, most));
  begin += text.size();
  with_router = true;
  batch.resumed = true;
  proto::frame_reader frames(text.size());
  frames.feed(text, [&](std::string_view payload) { scan(batch, payload); });
  if (begin == waiting.size()) batch.broken = broken;
}

void frame_input::end_resumed() noexcept {
  auto& [waiting, begin, text, with_router, broken] = *put_back_;
  with_router = false;
  if (begin == waiting.size()) {
    put_back_.reset();
  } else if (begin > waiting.size() / 2) {
    waiting.erase(0, begin);
    begin = 0;
  }
}

}  // namespace weft
