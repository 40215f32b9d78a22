// A service that calls its clients: who has called topics.watch hears of every topics.publish, and of the
// time once a second. It serves at a node somewhere, or is one.   topics [OPTION…]
#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <weft/service.hpp>

using namespace std::chrono_literals;

/// Who watches what. Methods run on several reactors, so it has a lock; none is held over a co_await.
class topics {
 public:
  void watch(const std::string& topic, weft::caller who) {
    const std::lock_guard lock(mutex_);
    watchers_[topic].push_back(std::move(who));
  }
  /// Returns how many were told.
  std::size_t publish(const std::string& topic, const std::string& text) {
    const std::lock_guard lock(mutex_);
    auto& watchers = watchers_[topic];
    std::erase_if(watchers, [](const weft::caller& each) { return !each.connected(); });
    for (const auto& each : watchers) each.notify("event", topic, text);
    return watchers.size();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<weft::caller>> watchers_;
};

weft::task<void> tick(topics* known) {
  for (int second = 1;; ++second) {
    (void)co_await weft::sleep_for(1s);
    known->publish("time", std::to_string(second));
  }
}

int main(int argc, char** argv) {
  topics known;
  weft::service service("topics");
  service.method("topics.watch",
                 [&known](weft::call_context ctx, std::string topic) {
                   known.watch(topic, ctx.caller());
                   return "ok";
                 },
                 {.params = {"topic"}});
  service.method("topics.publish",
                 [&known](std::string topic, std::string text) { return known.publish(topic, text); },
                 {.params = {"topic", "text"}});
  service.spawn(tick(&known));
  return weft::run(argc, argv, service);
}
