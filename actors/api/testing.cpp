#include "weft/testing.hpp"

#include <utility>

#include "actors/api/test_loop.hpp"

namespace weft {

test_mesh::test_mesh() : loop_(std::make_shared<detail::test_loop>()) {
  loop_->connection.emplace(*loop_);
}

test_mesh::~test_mesh() = default;

test_mesh& test_mesh::add(const service& methods) {
  for (const auto& entry : methods.state()->methods()) loop_->served[entry->name] = entry;
  loop_->services.push_back(methods.state());
  methods.state()->open(
      [loop = loop_.get()](coro::task<void> background) { loop->spawn(std::move(background)); });
  return *this;
}

test_mesh& test_mesh::add_to_caller(const service& methods) {
  for (const auto& entry : methods.state()->methods()) loop_->of_caller[entry->name] = entry;
  return *this;
}

void test_mesh::fail(std::string method, error with, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({with, detail::fault::no_delay});
}

void test_mesh::delay(std::string method, std::chrono::milliseconds time, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({{}, time});
}

void test_mesh::drop(std::string method, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({{}, detail::fault::no_delay});
}

std::chrono::milliseconds test_mesh::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop_->now() - loop_->began());
}

void test_mesh::advance(std::chrono::milliseconds time) {
  loop_->advance(time);
}

void test_mesh::disconnect_caller() {
  ++loop_->caller_generation;
  loop_->connection->cancel(coro::cancel_reason::disconnected);
  loop_->connection.emplace(*loop_);
  loop_->run_ready();
}

std::size_t test_mesh::calls_of(std::string_view method) const {
  const auto found = loop_->calls.find(method);
  return found == loop_->calls.end() ? 0 : found->second;
}

const std::vector<std::string>& test_mesh::failures() const {
  return loop_->failures;
}

std::shared_ptr<detail::pending_state> test_mesh::start_raw(std::string method, std::string raw_params,
                                                            call_options options) const {
  return loop_->start(detail::test_side::served, *loop_->connection, std::move(method), std::move(raw_params),
                      std::move(options));
}

std::shared_ptr<detail::stream_buffer> test_mesh::open_stream(std::string method, std::string raw_params,
                                                              read_options options) const {
  return loop_->open(detail::test_side::served, *loop_->connection, std::move(method), std::move(raw_params),
                     std::move(options));
}

}  // namespace weft
