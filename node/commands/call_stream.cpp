#include "node/commands/call_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <ostream>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "node/client/exchange.hpp"
#include "node/commands/line_output.hpp"
#include "node/config/units.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/interruption.hpp"
#include "proto/envelope.hpp"
#include "proto/error.hpp"
#include "proto/message.hpp"
#include "proto/stream.hpp"

namespace weft::tools {

namespace {

/// How long the answer to a cancellation is awaited: longer than a node awaits its method's.
constexpr auto cancel_timeout = std::chrono::seconds(2);
/// How long a node may take no message of ours.
constexpr auto send_timeout = std::chrono::seconds(5);

class stream_printer {
 public:
  stream_printer(const call_options& options, client& connection, steady_clock::time_point until, int output,
                 std::ostream& errors)
      : options_(options),
        connection_(connection),
        until_(until),
        errors_(errors),
        output_(output),
        granted_(options.credit) {}

  int run(std::string_view request) {
    tell(request);
    while (!over() || !output_.empty()) turn();
    return finish();
  }

 private:
  /// Nothing more will come.
  bool over() const noexcept { return answer_ || lost_; }
  bool cancelled() const noexcept { return cancelled_with_.has_value(); }

  /// Waits for whatever comes first, and deals with it.
  void turn() {
    const auto left = std::chrono::nanoseconds(until_ - steady_clock::now()).count();
    if (left <= 0) return be_late();
    std::array entries{pollfd{over() ? -1 : connection_.native_handle(), POLLIN, 0}, output_.wanted(),
                       pollfd{cancelled() ? -1 : interruption_.descriptor(), POLLIN, 0}};
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    const int ready = ::ppoll(entries.data(), entries.size(), &timeout, nullptr);
    if (ready > 0) output_.on_events(entries[1].revents);
    if (!cancelled() && output_.error() != 0) return give_up_output();
    if (!cancelled() && interruption_.signal() != 0) return cancel(exit_signal_base + interruption_.signal());
    if (ready > 0 && entries[0].revents != 0) take_input();
    if (output_.empty()) on_printed();
  }

  void take_input() {
    if (auto got = connection_.receive_some(); !got) return lose(std::move(got.error()));
    while (!over()) {
      const auto payload = connection_.take_received();
      if (!payload) return;
      take(*payload);
    }
  }

  void take(std::string_view payload) {
    proto::envelope message;
    auto reply = read_message(connection_, payload, message, steady_clock::now() + send_timeout);
    if (!reply) return lose(std::move(reply.error()));
    if (*reply) return take_answer(std::move(**reply));
    if (message.kind != proto::message_kind::notification || message.params.empty()) return;
    std::string name(message.method);
    if (message.method_escaped) proto::unescape(message.method, name);
    const auto what = proto::find_stream_message(name);
    proto::stream_members members;
    if (!what || !proto::read_stream_members(message.params, members) || members.id != exchange_id) return;
    if (*what == proto::stream_message::item) take_item(members);
    if (*what == proto::stream_message::accept) end_input();
  }

  void take_answer(answer&& reply) {
    if (is_of_the_limit(reply)) return lose({client_error::kind::timed_out, {}});
    answer_ = std::move(reply);
    on_over();
    // A method that does not stream has this result only; a stream without items has null.
    if (answer_->ok && received_ == 0 && answer_->raw != "null") output_.add_json(answer_->raw);
  }

  void take_item(const proto::stream_members& item) {
    if (cancelled()) return;
    if (item.value.empty()) return fail("the peer sent an item without a value");
    if (proto::read_count(item.seq) != received_)
      return fail(fmt::format("the peer sent an item with another seq than {}, the next one", received_));
    if (received_ == granted_)
      return fail(fmt::format("the peer sent more than the {} items granted", granted_));
    if (received_++ == 0 && options_.doubtful_after && item.cursor.empty()) {
      errors_ << fmt::format("the first item has no cursor: '{}' has probably begun anew, despite --after\n",
                             printable(options_.method))
              << std::flush;
    }
    output_.add_json(item.value);
    coming_cursor_ = item.cursor;
  }

  /// There are no values to send, and the method would wait for them.
  void end_input() {
    if (std::exchange(input_ended_, true)) return;
    tell_stream(proto::stream_message::end, {});
  }

  /// The node has the same limit, and may be the first to see that it is over.
  bool is_of_the_limit(const answer& reply) const {
    constexpr auto ahead = std::chrono::milliseconds(100);
    return options_.timeout_given && !reply.ok && !cancelled() && steady_clock::now() + ahead >= until_ &&
           proto::parse_error_object(reply.raw).code ==
               static_cast<std::int32_t>(error_code::deadline_exceeded);
  }

  /// Grants as many items as have been printed, once they are half of those that may be on the way.
  void on_printed() {
    cursor_ = coming_cursor_;
    const auto printed = received_ - (granted_ - options_.credit);
    if (over() || cancelled() || printed == 0 || 2 * printed < options_.credit) return;
    granted_ += printed;
    tell_stream(proto::stream_message::credit, proto::count_text(printed));
  }

  void cancel(int code) {
    cancelled_with_ = code;
    if (over()) return discard_output();
    until_ = std::min(until_, steady_clock::now() + cancel_timeout);
    std::string message;
    proto::append_request(message, {}, "$/cancelRequest", fmt::format(R"({{"id":{}}})", exchange_id));
    tell(message);
  }

  void give_up_output() {
    const int why = output_.error();
    discard_output();
    if (why == EPIPE) return cancel(exit_signal_base + SIGPIPE);
    errors_ << fmt::format("standard output did not take the whole stream: {}; it is incomplete\n",
                           error_text(why));
    cancel(exit_failed);
  }

  void discard_output() {
    output_.close();
    coming_cursor_ = cursor_;
  }

  void tell_stream(proto::stream_message which, std::string_view credit) {
    proto::stream_members members;
    members.id = exchange_id;
    members.credit = credit;
    std::string message;
    proto::append_stream_message(message, which, members);
    tell(message);
  }

  void tell(std::string_view message) {
    auto sent = connection_.send(message, steady_clock::now() + send_timeout);
    if (!sent) fail(std::move(sent.error().message));
  }

  void fail(std::string message) { lose({client_error::kind::failed, std::move(message)}); }

  /// What has come until then is still printed.
  void lose(client_error&& error) {
    if (over()) return;
    lost_ = std::move(error);
    on_over();
  }

  /// The time limit is that of the call, not of whoever reads the lines.
  void on_over() {
    if (!cancelled()) until_ = steady_clock::time_point::max();
  }

  void be_late() {
    if (cancelled()) discard_output();
    lose({client_error::kind::timed_out, {}});
  }

  int finish() {
    if (cancelled()) {
      if (cancelled_with_ != exit_signal_base + SIGPIPE) show_cursor();
      return *cancelled_with_;
    }
    if (answer_ && answer_->ok) return exit_ok;
    const int code = answer_ ? exit_failed : exit_unreachable;
    if (answer_) {
      errors_ << printable_json(answer_->raw) << '\n';
      suggest_method(options_, connection_, answer_->raw, errors_);
    } else if (lost_->what == client_error::kind::timed_out) {
      errors_ << fmt::format(
          "'{}' at {} did not end within {}: raise --timeout, or leave it out\n", printable(options_.method),
          format_node_address(options_.address, options_.tls.on), format_duration(options_.timeout));
    } else {
      report_failure(options_, *lost_, errors_);
    }
    show_cursor();
    return code;
  }

  void show_cursor() {
    if (!cursor_.empty())
      errors_ << fmt::format("the last item printed has the cursor {}: --after goes on behind it\n",
                             printable_json(cursor_));
    errors_ << std::flush;
  }

  const call_options& options_;
  client& connection_;
  steady_clock::time_point until_;
  std::ostream& errors_;
  line_output output_;
  interruption interruption_;

  std::int64_t granted_;
  std::int64_t received_ = 0;
  bool input_ended_ = false;
  /// The cursor of the last item that has been received, and of the last one whose line has been written.
  std::string coming_cursor_;
  std::string cursor_;
  std::optional<answer> answer_;
  /// Why no answer will come.
  std::optional<client_error> lost_;
  /// The exit code, once the call has been cancelled.
  std::optional<int> cancelled_with_;
};

}  // namespace

int print_stream(const call_options& options, client& connection, std::string_view request,
                 steady_clock::time_point until, int output, std::ostream& errors) {
  return stream_printer(options, connection, until, output, errors).run(request);
}

}  // namespace weft::tools
