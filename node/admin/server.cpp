#include "node/admin/server.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include "actors/transport/acceptor.hpp"
#include "actors/transport/network.hpp"
#include "node/admin/open_sockets.hpp"
#include "node/admin/page_workers.hpp"

namespace weft {
namespace {

/// The pages take a word at most.
constexpr std::size_t max_body_bytes = 1024;
/// For a request and its answer together, whatever trickles in meanwhile.
constexpr std::chrono::milliseconds longest_exchange{10'000};
constexpr unsigned silence_seconds = 5;
/// Until the first line is there; programs send it at once.
constexpr std::chrono::milliseconds first_line{1'000};
// Connections that are kept; beyond them the oldest is cut. The server accepts some more, so that those that
// were cut have time to be closed.
constexpr std::size_t most_connections = 64;
constexpr unsigned most_accepted = 128;
constexpr std::size_t most_waiting_pages = 32;

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

/// One request on its way through the server.
struct exchange {
  http_request request;
  http_response response;
  bool begun = false;
  bool too_large = false;
  bool answered = false;
};

MHD_Result send_response(MHD_Connection* connection, http_response& answer) {
  auto* response =
      MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) MHD_add_response_header(response, name, value.c_str());
  };
  add("Content-Type", answer.content_type);
  add("Cache-Control", "no-store");
  add("X-Content-Type-Options", "nosniff");
  add("Allow", answer.allow);
  add("Connection", "close");
  const auto queued = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

bool is_liveness(std::string_view path) {
  return path == "/livez" || path == "/healthz";
}

}  // namespace

struct admin_server::implementation {
  admin_sources sources;
  std::string host;
  /// What the library complained about first to the thread that started it.
  std::string complaint;
  std::thread::id starter = std::this_thread::get_id();
  MHD_Daemon* daemon = nullptr;
  std::mutex mutex;
  std::condition_variable changed;
  bool ending = false;
  open_sockets sockets{most_connections, first_line, longest_exchange};
  // Readiness waits for no other page.
  std::unique_ptr<page_workers> readiness = std::make_unique<page_workers>(1, most_waiting_pages);
  std::unique_ptr<page_workers> pages = std::make_unique<page_workers>(2, most_waiting_pages);
  std::thread sweeper;

  ~implementation() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    if (sweeper.joinable()) sweeper.join();
    // Every page that is being made is finished, so that no connection is suspended.
    readiness.reset();
    pages.reset();
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }

  void sweep() {
    constexpr std::chrono::milliseconds between{250};
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, between, [this] { return ending; })) {
      sockets.cut_late(open_sockets::clock::now());
    }
  }

  void note_connection(MHD_Connection* connection, MHD_ConnectionNotificationCode code) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == nullptr) return;
    const std::lock_guard lock(mutex);
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
      sockets.add(info->connect_fd, open_sockets::clock::now());
    else
      sockets.remove(info->connect_fd);
  }

  void note_first_line(MHD_Connection* connection) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == nullptr) return;
    const std::lock_guard lock(mutex);
    sockets.begin(info->connect_fd);
  }

  /// Makes the page now, or has it made.
  MHD_Result dispatch(MHD_Connection* connection, exchange& of) {
    if (of.too_large) {
      of.response =
          text_response(413, fmt::format("the body is too large; send at most {} bytes\n", max_body_bytes));
      return send_response(connection, of.response);
    }
    if (is_liveness(of.request.path)) {
      of.response = respond(of.request, sources);
      return send_response(connection, of.response);
    }
    const bool is_readiness = of.request.path == "/readyz";
    const std::unique_lock lock(mutex);
    if (ending) return MHD_NO;
    MHD_suspend_connection(connection);
    const auto make = [this, connection, &of] {
      of.response = respond(of.request, sources);
      of.answered = true;
      MHD_resume_connection(connection);
    };
    if ((is_readiness ? readiness : pages)->run(make)) return MHD_YES;
    of.response = text_response(503, "too many pages are being made; try again\n");
    of.answered = true;
    MHD_resume_connection(connection);
    return MHD_YES;
  }

  // -- the library's callbacks
  static void* on_uri(void* self, const char* uri, MHD_Connection* connection) {
    static_cast<implementation*>(self)->note_first_line(connection);
    auto* of = new exchange;
    const std::string_view text = uri;
    if (const auto question = text.find('?'); question != text.npos)
      of->request.query = text.substr(question + 1);
    return of;
  }

  static void on_message(void* self, const char* format, va_list arguments) {
    std::array<char, 256> text{};
    if (std::vsnprintf(text.data(), text.size(), format, arguments) < 0) return;
    auto& of = *static_cast<implementation*>(self);
    // Its own thread only tells of clients that left early.
    if (std::this_thread::get_id() != of.starter || !of.complaint.empty()) return;
    of.complaint = text.data();
    while (of.complaint.ends_with('\n')) of.complaint.pop_back();
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                               const char*, const char* data, size_t* data_bytes, void** context) {
    auto& of = *static_cast<exchange*>(*context);
    if (!of.begun) {
      of.begun = true;
      of.request.method = method;
      of.request.path = url;
      of.request.host = header(connection, "Host");
      of.request.origin = header(connection, "Origin");
      of.request.sec_fetch_site = header(connection, "Sec-Fetch-Site");
      return MHD_YES;
    }
    if (of.answered) return send_response(connection, of.response);
    if (*data_bytes > 0) {
      of.too_large = of.too_large || of.request.body.size() + *data_bytes > max_body_bytes;
      if (!of.too_large) of.request.body.append(data, *data_bytes);
      *data_bytes = 0;
      return MHD_YES;
    }
    return static_cast<implementation*>(self)->dispatch(connection, of);
  }

  static void on_completed(void*, MHD_Connection*, void** context, MHD_RequestTerminationCode) {
    delete static_cast<exchange*>(*context);
    *context = nullptr;
  }

  static void on_connection(void* self, MHD_Connection* connection, void**,
                            MHD_ConnectionNotificationCode code) {
    static_cast<implementation*>(self)->note_connection(connection, code);
  }
};

admin_server::admin_server(std::unique_ptr<implementation> impl) : impl_{std::move(impl)} {}

admin_server::~admin_server() = default;

std::expected<std::unique_ptr<admin_server>, std::string> admin_server::start(const host_port& address,
                                                                              admin_sources sources) {
  const auto failed = [](std::string_view why) {
    return std::unexpected(fmt::format("admin server: {} (--admin)", why));
  };
  auto listener = listening_socket::open({address});
  if (!listener) return failed(listener.error());
  // Whoever comes is accepted with the first bytes, which tell whether it is HTTP, or a second later without
  // any.
  const int second = 1;
  ::setsockopt(listener->descriptor(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &second, sizeof second);

  auto impl = std::make_unique<implementation>();
  impl->sources = std::move(sources);
  impl->host = address.host;
  // Its thread inherits them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;
  impl->daemon = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &implementation::on_request, impl.get(), MHD_OPTION_EXTERNAL_LOGGER,
      &implementation::on_message, impl.get(), MHD_OPTION_LISTEN_SOCKET, listener->descriptor(),
      MHD_OPTION_CONNECTION_TIMEOUT, silence_seconds, MHD_OPTION_CONNECTION_LIMIT, most_accepted,
      MHD_OPTION_URI_LOG_CALLBACK, &implementation::on_uri, impl.get(), MHD_OPTION_NOTIFY_COMPLETED,
      &implementation::on_completed, nullptr, MHD_OPTION_NOTIFY_CONNECTION, &implementation::on_connection,
      impl.get(), MHD_OPTION_END);
  if (impl->daemon != nullptr) impl->sweeper = std::thread([raw = impl.get()] { raw->sweep(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (impl->daemon == nullptr)
    return failed(impl->complaint.empty() ? "the HTTP library gives no reason" : impl->complaint);
  listener->release();
  return std::unique_ptr<admin_server>{new admin_server{std::move(impl)}};
}

host_port admin_server::address() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  const auto* info = MHD_get_daemon_info(impl_->daemon, MHD_DAEMON_INFO_LISTEN_FD);
  if (info != nullptr) ::getsockname(info->listen_fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return {impl_->host, port_of(bound)};
}

}  // namespace weft
