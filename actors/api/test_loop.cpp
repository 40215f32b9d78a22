#include "actors/api/test_loop.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/service/loops.hpp"

namespace weft::detail {
namespace {

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

test_loop::test_loop()
    : tasks_(*this, [this](const std::exception_ptr& thrown) { failures.push_back(text_of(thrown)); }) {}

test_loop::~test_loop() {
  for (const auto& each : services) each->close();
}

void test_loop::run_ready() {
  const running_loop here(nullptr, *this);
  while (!ready_.empty()) {
    const auto next = ready_.front();
    ready_.pop_front();
    next.resume();
  }
}

bool test_loop::step() {
  const auto due = wheel_.next_due();
  if (!due) return false;
  now_ = std::max(now_, *due);
  {
    const running_loop here(nullptr, *this);
    wheel_.advance(now_, [](coro::timer& t) { expire(t); });
  }
  run_ready();
  return true;
}

void test_loop::advance(std::chrono::milliseconds time) {
  run_ready();
  const auto until = now_ + time;
  for (auto due = wheel_.next_due(); due && *due <= until; due = wheel_.next_due()) step();
  now_ = until;
}

void test_loop::spawn(coro::task<void> task) {
  const running_loop here(nullptr, *this);
  tasks_.spawn(std::move(task));
}

bool test_loop::bring_on() {
  if (ready_.empty()) return step();
  run_ready();
  return true;
}

std::optional<fault> test_loop::take_fault(const std::string& method) {
  const auto found = faults.find(method);
  if (found == faults.end() || found->second.empty()) return std::nullopt;
  auto first = std::move(found->second.front());
  found->second.pop_front();
  return first;
}

const method_entry* test_loop::find(test_side who, std::string_view method) const {
  const auto& table = who == test_side::caller ? of_caller : served;
  const auto found = table.find(method);
  return found == table.end() ? nullptr : found->second.get();
}

void test_loop::note_failure(const std::string& method, const std::exception_ptr& thrown) {
  failures.push_back(fmt::format("{}: {}", method, text_of(thrown)));
}

pending_state::outcome run_until_ready(test_loop& loop, pending_state& call) {
  loop.run_ready();
  while (!call.ready() && loop.step()) continue;
  if (call.ready()) return call.take();
  return std::unexpected(error(error_code::unavailable, "nothing is left that could bring an answer"));
}

void run_ready(test_loop& loop) {
  loop.run_ready();
}

}  // namespace weft::detail
