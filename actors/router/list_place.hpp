// Lists of calls and attempts that are chained through their elements, so that linking never allocates.
// Whoever keeps the first one owns none of them.
#pragma once

#include <utility>

namespace weft {

template <class Node>
struct list_place {
  Node* previous = nullptr;
  Node* next = nullptr;
};

/// `place_of(Node&)` says which place of the node is meant.
template <class Node>
void link_front(Node*& head, Node& node) noexcept {
  place_of(node) = {nullptr, head};
  if (head != nullptr) place_of(*head).previous = &node;
  head = &node;
}

template <class Node>
void unlink(Node*& head, Node& node) noexcept {
  const auto [previous, next] = std::exchange(place_of(node), {});
  (previous != nullptr ? place_of(*previous).next : head) = next;
  if (next != nullptr) place_of(*next).previous = previous;
}

}  // namespace weft
