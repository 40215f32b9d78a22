#include "node/logging/line_writer.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

namespace weft {

struct line_writer::state {
  int fd;
  std::size_t queue_bytes;
  std::function<void(int)> on_error;
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable idle;
  std::deque<std::string> queue;
  std::size_t waiting_bytes = 0;
  bool writing = false;
  bool ending = false;
  std::atomic<std::uint64_t> full = 0;
  std::atomic<std::uint64_t> failed = 0;
};

namespace {

/// 0 or an errno; `written` counts also when it fails.
int write_all(int fd, std::string_view text, std::size_t& written) {
  while (written < text.size()) {
    const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      // Somebody who has the same pipe or terminal made it non-blocking.
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

line_writer::line_writer(int fd, std::size_t queue_bytes, std::function<void(int)> on_error)
    : shared_(std::make_shared<state>()) {
  shared_->fd = fd;
  shared_->queue_bytes = queue_bytes;
  shared_->on_error = std::move(on_error);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([shared = shared_] { run(shared); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

line_writer::~line_writer() {
  const bool done = flush(timeout);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending = true;
  }
  shared_->work.notify_one();
  if (done)
    thread_.join();
  else
    thread_.detach();
}

bool line_writer::add(std::string line) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting_bytes + line.size() > shared_->queue_bytes) {
      shared_->full.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    shared_->waiting_bytes += line.size();
    shared_->queue.push_back(std::move(line));
  }
  shared_->work.notify_one();
  return true;
}

bool line_writer::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock(shared_->mutex);
  return shared_->idle.wait_for(lock, at_most, [&] { return shared_->queue.empty() && !shared_->writing; });
}

std::uint64_t line_writer::dropped_full() const noexcept {
  return shared_->full.load(std::memory_order_relaxed);
}

std::uint64_t line_writer::dropped_failed() const noexcept {
  return shared_->failed.load(std::memory_order_relaxed);
}

void line_writer::run(const std::shared_ptr<state>& shared) {
  pthread_setname_np(pthread_self(), "log");
  bool in_line = false;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->work.wait(lock, [&] { return shared->ending || !shared->queue.empty(); });
    // What waits when the end comes has had its time.
    if (shared->ending) return;
    std::string line = std::move(shared->queue.front());
    const std::size_t bytes = line.size();
    shared->queue.pop_front();
    shared->writing = true;
    lock.unlock();
    // The rest of a line that was cut is lost: the next one begins a line of its own.
    if (in_line) line.insert(0, 1, '\n');
    std::size_t written = 0;
    const int error = write_all(shared->fd, line, written);
    in_line = error != 0 && (in_line ? written != 1 : written != 0);
    if (error != 0) shared->failed.fetch_add(1, std::memory_order_relaxed);
    if (error != 0 && shared->on_error) shared->on_error(error);
    lock.lock();
    shared->writing = false;
    shared->waiting_bytes -= bytes;
    if (shared->queue.empty()) shared->idle.notify_all();
  }
}

}  // namespace weft
