// The envelope scanner against general parsers, on the same messages. simdjson and nlohmann_json are asked
// for what a router needs: the id, the method and proof that the whole text is JSON.
#include <stdexcept>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "bench/micro/sample_messages.hpp"
#include "proto/envelope.hpp"

namespace weft::bench {
namespace {

using sample = std::string (*)();

std::string batch_of_100() {
  return batch_of(100);
}

void count_bytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void scan_with_weft(benchmark::State& state, sample make) {
  const std::string text = make();
  proto::envelope single;
  std::vector<proto::envelope> batch;
  const proto::scan_options options;
  for (auto _ : state) {
    const auto outcome = proto::scan(text, options, single, batch);
    if (outcome.kind == proto::scan_kind::rejected) throw std::logic_error("the sample was rejected");
    benchmark::DoNotOptimize(single.method.data());
    benchmark::DoNotOptimize(batch.data());
  }
  count_bytes(state, text);
}

void validate_with_weft(benchmark::State& state, sample make) {
  const std::string text = make();
  for (auto _ : state) benchmark::DoNotOptimize(proto::validate(text, 64).kind);
  count_bytes(state, text);
}

void parse_with_simdjson_dom(benchmark::State& state, sample make) {
  const std::string text = make();
  const simdjson::padded_string padded(text);
  simdjson::dom::parser parser;
  for (auto _ : state) {
    const simdjson::dom::element root = parser.parse(padded);
    if (root.is_object()) {
      benchmark::DoNotOptimize(std::string_view(root["method"]));
      benchmark::DoNotOptimize(std::int64_t(root["id"]));
    } else {
      for (const simdjson::dom::element message : root) {
        benchmark::DoNotOptimize(std::string_view(message["method"]));
        benchmark::DoNotOptimize(std::int64_t(message["id"]));
      }
    }
  }
  count_bytes(state, text);
}

/// On-Demand checks only what is touched, so this is less than the scanner does: members are walked, `params`
/// skipped.
void walk_with_simdjson_on_demand(benchmark::State& state, sample make) {
  const std::string text = make();
  const simdjson::padded_string padded(text);
  simdjson::ondemand::parser parser;
  const auto walk = [](simdjson::ondemand::object message) {
    for (auto field : message) {
      const std::string_view name = field.unescaped_key();
      if (name == "id") benchmark::DoNotOptimize(std::int64_t(field.value()));
      if (name == "method") benchmark::DoNotOptimize(std::string_view(field.value()));
      if (name == "params") benchmark::DoNotOptimize(std::string_view(field.value().raw_json_token()));
    }
  };
  for (auto _ : state) {
    simdjson::ondemand::document document = parser.iterate(padded);
    if (document.type() == simdjson::ondemand::json_type::object) {
      walk(document.get_object());
    } else {
      for (auto message : document.get_array()) walk(message.get_object());
    }
  }
  count_bytes(state, text);
}

void parse_with_nlohmann(benchmark::State& state, sample make) {
  const std::string text = make();
  for (auto _ : state) {
    const nlohmann::json root = nlohmann::json::parse(text);
    benchmark::DoNotOptimize(root.size());
  }
  count_bytes(state, text);
}

#define WEFT_ON_ALL_SAMPLES(measure)                                     \
  BENCHMARK_CAPTURE(measure, small_request, small_request);              \
  BENCHMARK_CAPTURE(measure, long_string, long_string_request);          \
  BENCHMARK_CAPTURE(measure, nested_objects, nested_request);            \
  BENCHMARK_CAPTURE(measure, nested_spaced, spaced_request);             \
  BENCHMARK_CAPTURE(measure, nested_multilingual, multilingual_request); \
  BENCHMARK_CAPTURE(measure, batch_of_100, batch_of_100)

WEFT_ON_ALL_SAMPLES(scan_with_weft);
WEFT_ON_ALL_SAMPLES(validate_with_weft);
WEFT_ON_ALL_SAMPLES(parse_with_simdjson_dom);
WEFT_ON_ALL_SAMPLES(walk_with_simdjson_on_demand);
WEFT_ON_ALL_SAMPLES(parse_with_nlohmann);

}  // namespace
}  // namespace weft::bench
