// A registered method without its types: what a service hands to the node that runs it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "weft/detail/convert.hpp"
#include "weft/detail/function_traits.hpp"
#include "weft/detail/stream_source.hpp"

namespace weft::detail {

using method_outcome = std::expected<nlohmann::json, error>;

/// What a method that streams has beside the rest.
struct stream_entry {
  /// JSON schemas; `input` is null when the generator takes nothing.
  nlohmann::json item;
  nlohmann::json input;
  bool resumable = false;
  std::function<std::expected<std::unique_ptr<stream_source>, error>(call_context ctx, const nlohmann::json&)>
      start;
};

struct method_entry {
  std::string name;
  std::string summary;
  bool idempotent = false;
  bool blocking = false;
  std::uint32_t max_in_flight = 0;
  /// JSON schemas for `rpc.discover`.
  nlohmann::json params = nlohmann::json::array();
  nlohmann::json result = nlohmann::json::object();
  /// Exactly one of the three is set.
  std::optional<stream_entry> stream{};
  std::function<method_outcome(const nlohmann::json& params)> plain;
  std::function<coro::task<method_outcome>(call_context ctx, nlohmann::json params)> coroutine;
};

/// Throws.
[[noreturn]] void refuse_resumable(std::string_view method);

struct parameter {
  std::string name;
  /// "an integer"
  std::string word;
  nlohmann::json schema;
  bool optional = false;
  /// What counts when none comes.
  std::optional<nlohmann::json> fallback;
  /// What is wrong with a value for it; nothing for one that fits.
  std::optional<mismatch> (*check)(const nlohmann::json& value) = nullptr;
};

template <class T>
std::optional<mismatch> check_value(const json& value) {
  auto read_value = read<T>(value);
  if (read_value) return std::nullopt;
  return std::move(read_value.error());
}

/// How params are read, and what is said of those that are wrong.
class signature {
 public:
  /// Throws std::invalid_argument when names, types and defaults do not fit together.
  signature(std::string method, std::vector<parameter> parameters, std::vector<std::string> names,
            const nlohmann::json& defaults, bool may_be_whole);

  /// The params are the one argument, not a list of several.
  bool whole() const noexcept { return whole_; }
  nlohmann::json describe() const;
  /// Finds each parameter's value, null for one that is absent and may be.
  std::expected<std::vector<const nlohmann::json*>, error> arrange(const nlohmann::json& params) const;
  error refuse(std::size_t index, const mismatch& what) const;
  /// Of a stream that is asked to go on behind a cursor, and would begin anew.
  error refuse_cursor() const;

 private:
  error refuse(std::string_view what) const;
  std::string shape() const;

  std::string method_;
  std::vector<parameter> parameters_;
  bool whole_ = false;
};

template <class T>
parameter parameter_of() {
  if constexpr (is_optional<T>) {
    auto inner = parameter_of<typename T::value_type>();
    inner.optional = true;
    inner.check = check_value<T>;
    return inner;
  } else {
    return {{}, word_for<T>(), schema<T>(), false, {}, check_value<T>};
  }
}

template <class... Args>
std::vector<parameter> parameters_of(const std::tuple<Args...>*) {
  return {parameter_of<Args>()...};
}
template <class... Args>
constexpr bool may_be_whole(const std::tuple<Args...>*) {
  return sizeof...(Args) == 1 && ((has_fields<Args> || string_map<Args> || std::same_as<Args, json>) && ...);
}

template <class T>
std::expected<T, error> read_argument(const signature& of, std::size_t index, const json* value) {
  if (value == nullptr) {
    if constexpr (is_optional<T>) return T();
  }
  auto read_value = read<T>(*value);
  if (!read_value) return std::unexpected(of.refuse(index, read_value.error()));
  return std::move(*read_value);
}

template <class... Args, std::size_t... I>
std::expected<std::tuple<Args...>, error> read_arguments(const signature& of, const json& params,
                                                         const std::tuple<Args...>*,
                                                         std::index_sequence<I...>) {
  const auto values = of.arrange(params);
  if (!values) return std::unexpected(values.error());
  std::tuple<std::optional<Args>...> read_values;
  std::optional<error> failed;
  [[maybe_unused]] const auto take = [&]<class T>(std::optional<T>& into, std::size_t index) {
    if (failed) return;
    auto value = read_argument<T>(of, index, (*values)[index]);
    if (value)
      into.emplace(std::move(*value));
    else
      failed = std::move(value.error());
  };
  (take(std::get<I>(read_values), I), ...);
  if (failed) return std::unexpected(std::move(*failed));
  return std::tuple<Args...>(std::move(*std::get<I>(read_values))...);
}

template <class Traits>
auto read_arguments(const signature& of, const json& params) {
  using arguments = typename Traits::arguments;
  return read_arguments(of, params, static_cast<const arguments*>(nullptr),
                        std::make_index_sequence<std::tuple_size_v<arguments>>());
}

template <class R>
method_outcome to_outcome(R&& value) {
  if constexpr (requires { typename std::remove_cvref_t<R>::unexpected_type; }) {
    if (!value) return std::unexpected(std::forward<R>(value).error());
    if constexpr (std::is_void_v<typename std::remove_cvref_t<R>::value_type>) {
      return nullptr;
    } else {
      return write(*value);
    }
  } else {
    return write(value);
  }
}

template <class Traits, class F, class Arguments>
method_outcome invoke(F& function, Arguments&& arguments) {
  if constexpr (std::is_void_v<typename Traits::returned_type>) {
    std::apply(function, std::forward<Arguments>(arguments));
    return nullptr;
  } else {
    return to_outcome(std::apply(function, std::forward<Arguments>(arguments)));
  }
}

/// All arguments of the function: its call first, if it takes that.
template <class Traits, class Arguments>
auto with_context(call_context ctx, Arguments arguments) {
  if constexpr (Traits::takes_context) {
    return std::tuple_cat(std::tuple(std::move(ctx)), std::move(arguments));
  } else {
    return arguments;
  }
}

template <class Traits, class F>
stream_entry stream_of(std::shared_ptr<F> function, std::shared_ptr<const signature> of, bool resumable) {
  using generator = typename Traits::result_type;
  using yielded = typename Traits::returned_type;
  using sent = typename returned<generator>::sent_type;
  stream_entry made{.item = schema<typename item_value<yielded>::type>(),
                    .input = nullptr,
                    .resumable = resumable,
                    .start = {}};
  if constexpr (!std::is_void_v<sent>) made.input = schema<sent>();
  made.start = [function, of, resumable](
                   call_context ctx,
                   const json& params) -> std::expected<std::unique_ptr<stream_source>, error> {
    if (!resumable && ctx.after<json>()) return std::unexpected(of->refuse_cursor());
    auto arguments = read_arguments<Traits>(*of, params);
    if (!arguments) return std::unexpected(std::move(arguments.error()));
    return std::make_unique<typed_source<generator>>(
        function, std::apply(*function, with_context<Traits>(std::move(ctx), std::move(*arguments))));
  };
  return made;
}

template <class Traits, class F>
coro::task<method_outcome> run(std::shared_ptr<F> function, std::shared_ptr<const signature> of,
                               call_context ctx, json params) {
  auto read_values = read_arguments<Traits>(*of, params);
  if (!read_values) co_return std::unexpected(std::move(read_values.error()));
  auto arguments = with_context<Traits>(std::move(ctx), std::move(*read_values));
  if constexpr (!Traits::is_coroutine) {
    co_return invoke<Traits>(*function, std::move(arguments));
  } else if constexpr (std::is_void_v<typename Traits::returned_type>) {
    co_await std::apply(*function, std::move(arguments));
    co_return nullptr;
  } else {
    co_return to_outcome(co_await std::apply(*function, std::move(arguments)));
  }
}

}  // namespace weft::detail
