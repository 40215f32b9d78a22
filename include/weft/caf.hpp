// Answers of calls inside an actor of CAF.
//
//     weft::deliver(node.call<user>("users.get", 1), self);             // as a message weft::result<user>
//     self->request(weft::as_actor(system, node.call<user>("users.get", 1)), 5s, weft::get_answer)
//         .then([](weft::result<user>& ada) { … });
//     return self->delegate(weft::as_actor(system, std::move(call)), weft::get_answer);
//
// Apart from <weft/weft.hpp>, since it includes CAF.
#pragma once

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

template <class T>
struct answer_state {
  caf::response_promise asked;
  std::optional<result<T>> answer;
};

template <class T>
caf::behavior answer_actor(caf::stateful_actor<answer_state<T>>* self) {
  return {[self](get_answer_atom) -> caf::result<result<T>> {
            auto promise = self->make_response_promise();
            if (self->state.answer) {
              promise.deliver(std::move(*self->state.answer));
              self->quit();
            } else {
              self->state.asked = promise;
            }
            return caf::delegated<result<T>>();
          },
          [self](result<T>& answer) {
            if (self->state.asked.pending()) {
              self->state.asked.deliver(std::move(answer));
              self->quit();
            } else {
              self->state.answer = std::move(answer);
            }
          }};
}

}  // namespace detail

/// An actor that answers one `get_answer` with the weft::result<T>, for `request` and `delegate`.
template <class T>
caf::actor as_actor(caf::actor_system& system, pending<T> call) {
  auto made = system.spawn(detail::answer_actor<T>);
  deliver(std::move(call), made);
  return made;
}

}  // namespace weft
