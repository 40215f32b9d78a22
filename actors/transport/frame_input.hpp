// What a connection has read: cut into frames, scanned, and gathered in batches for its router; and the
// frames that the router has put back until the output has room for their answers.
//
// Thread safety: none; part of a connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "actors/messages/batch.hpp"
#include "actors/messages/close_reason.hpp"
#include "actors/transport/connection_status.hpp"
#include "actors/transport/reactor_resources.hpp"
#include "proto/foreign.hpp"
#include "proto/frame.hpp"

namespace weft {

class frame_input {
 public:
  /// Keeps the figures of what is read in `status`, and in `shared` the bytes of frames that are not
  /// complete.
  frame_input(reactor_resources& shared, connection_status& status) noexcept
      : shared_(shared), status_(status), reader_(shared.options.limits.frame_bytes) {}

  /// Puts the messages of the frames that `bytes` complete into `batch`, and how the stream broke, if it did.
  void take(std::string_view bytes, inbound_batch& batch);
  /// What the stream is that broke before its first frame.
  close_reason foreign() const { return reason_of(beginning_.what_it_speaks()); }
  void limit_frames(std::size_t bytes) noexcept { reader_.set_max_frame_bytes(bytes); }

  // -- the frame that is not complete yet
  bool mid_frame() const noexcept { return reader_.mid_frame(); }
  std::size_t buffered_bytes() const noexcept { return reader_.buffered_bytes(); }
  /// Its bytes no longer count among the unfinished ones of the reactor.
  void forget_unfinished() noexcept;
  /// Since when it has been read; the epoch when there is none.
  coro::clock::time_point frame_started() const noexcept { return frame_started_; }
  void start_frame(coro::clock::time_point at) noexcept { frame_started_ = at; }

  // -- frames that were put back
  /// They come again behind those that wait already; `resumed` ones, which have come again before, ahead of
  /// them. How the stream `broke` behind them comes with the last.
  void put_back(std::string_view frames, bool resumed, proto::frame_error broke = proto::frame_error::none);
  bool has_put_back() const noexcept { return put_back_ && put_back_->begin < put_back_->waiting.size(); }
  /// Frames are put back, or the last of them are with the router.
  bool is_behind() const noexcept { return put_back_ != nullptr; }
  /// Some of them are with the router once more.
  bool is_resumed() const noexcept { return put_back_ && put_back_->with_router; }
  /// Puts the first of them into `batch`; not before it is done with those of the last time.
  void resume(inbound_batch& batch);
  /// The router is done with those.
  void end_resumed() noexcept;

 private:
  void scan(inbound_batch& batch, std::string_view payload);
  void count_unfinished() noexcept;

  reactor_resources& shared_;
  connection_status& status_;
  proto::frame_reader reader_;
  proto::stream_beginning beginning_;
  struct frames_put_back {
    /// Whole frames from `begin` on.
    std::string waiting;
    std::size_t begin = 0;
    /// The frames that the router looks at again.
    std::string resumed;
    bool with_router = false;
    proto::frame_error broke = proto::frame_error::none;
  };
  std::unique_ptr<frames_put_back> put_back_;
  coro::clock::time_point frame_started_{};
};

}  // namespace weft
