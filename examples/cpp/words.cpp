// A method that blocks, and state that all methods of a service share: counts words of files.
// words [HOST:PORT]
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include <fmt/format.h>
#include <weft/service.hpp>

using counts = std::map<std::string, int>;

/// What has been counted. Methods of a node run on several reactors at once, and blocking ones beside them.
class book {
 public:
  void add(const counts& words) {
    const std::lock_guard lock(mutex_);
    for (const auto& [word, times] : words) known_[word] += times;
  }
  int of(const std::string& word) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(word);
    return found == known_.end() ? 0 : found->second;
  }

 private:
  mutable std::mutex mutex_;
  counts known_;
};

weft::result<counts> count(const std::string& file, int least) {
  std::ifstream text(file);
  if (!text) return weft::error(404, "{} cannot be read", file);
  counts words;
  for (std::string word; text >> word;) ++words[word];
  std::erase_if(words, [least](const auto& word) { return word.second < least; });
  return words;
}

int main(int argc, char** argv) {
  if (argc > 2) {
    fmt::print(stderr, "usage: words [HOST:PORT]\n");
    return 64;
  }
  book known;
  weft::service words("words");
  words.method("words.count",
               [&known](std::string file, int least) {
                 auto counted = count(file, least);
                 if (counted) known.add(*counted);
                 return counted;
               },
               {.params = {"file", "least"},
                .defaults = {{"least", 1}},
                .summary = "The words that stand in a file at least so often, and how often",
                .idempotent = false,
                .blocking = true,
                .max_in_flight = 4});
  words.method("words.known", [&known](std::string word) { return known.of(word); }, {.params = {"word"}});
  return weft::serve(argc == 2 ? argv[1] : "127.0.0.1:7400", words);
}
