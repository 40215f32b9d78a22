// Answers of calls inside an actor of CAF.
//
//     weft::deliver(node.call<user>("users.get", 1), self);             // as a message weft::result<user>
//     self->request(weft::as_actor(system, node.call<user>("users.get", 1)), 5s, weft::get_answer)
//         .then([](weft::result<user>& ada) { … });
//     return self->delegate(weft::as_actor(system, std::move(call)), weft::get_answer);
//
// Apart from <weft/weft.hpp>, since it includes CAF.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <caf/all.hpp>

#include "weft/pending.hpp"

/// They stay in one process.
namespace caf {
template <class T>
struct allowed_unsafe_message_type<weft::result<T>> : std::true_type {};
}  // namespace caf

namespace weft {

/// Asks an `as_actor` for its answer.
using get_answer_atom = caf::atom_constant<caf::atom("weftget")>;
inline constexpr get_answer_atom get_answer = get_answer_atom::value;

/// Sends the answer to an actor, as a message of type weft::result<T>.
template <class T>
void deliver(pending<T> call, caf::actor to) {
  call.then([to = std::move(to)](result<T> answer) { caf::anon_send(to, std::move(answer)); });
}

namespace detail {

/// A class: CAF 0.17 binds a function without arguments through a null reference.
template <class T>
class answer_actor final : public caf::event_based_actor {
 public:
  explicit answer_actor(caf::actor_config& config) : caf::event_based_actor(config) {}

  caf::behavior make_behavior() override {
    return {[this](get_answer_atom) -> caf::result<result<T>> {
              asked_ = make_response_promise();
              bring();
              return caf::delegated<result<T>>();
            },
            [this](result<T>& answer) {
              answer_ = std::move(answer);
              bring();
            }};
  }

 private:
  void bring() {
    if (!answer_ || !asked_.pending()) return;
    asked_.deliver(std::move(*answer_));
    quit();
  }

  caf::response_promise asked_;
  std::optional<result<T>> answer_;
};

}  // namespace detail

/// An actor that answers one `get_answer` with the weft::result<T>, for `request` and `delegate`.
template <class T>
caf::actor as_actor(caf::actor_system& system, pending<T> call) {
  auto made = system.spawn<detail::answer_actor<T>>();
  deliver(std::move(call), made);
  return made;
}

}  // namespace weft
