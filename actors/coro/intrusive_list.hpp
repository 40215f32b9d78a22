// A doubly linked list whose links live in its elements, so that linking never allocates.
//
// Ownership: the list owns nothing. An element that dies leaves its list by itself, whichever list it is in;
// a list that dies unlinks what is left. That is what makes walking a list safe while callbacks destroy its
// elements: take the front, never hold an iterator.
#pragma once

namespace weft::coro {

class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;

  bool linked() const noexcept { return next_ != nullptr; }
  void unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

 protected:
  ~list_node() { unlink(); }

 private:
  template <class T>
  friend class intrusive_list;
  list_node* previous_ = nullptr;
  list_node* next_ = nullptr;
};

/// Elements of type T, which derives publicly from list_node.
template <class T>
class intrusive_list {
 public:
  intrusive_list() noexcept { head_.previous_ = head_.next_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    while (pop_front() != nullptr) {
    }
  }

  bool empty() const noexcept { return head_.next_ == &head_; }
  T* front() noexcept { return element(head_.next_); }
  T* after(T& x) noexcept { return element(static_cast<list_node&>(x).next_); }

  /// REQUIRES: `x` is in no list.
  void push_back(T& x) noexcept {
    list_node& node = x;
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }

  /// The first element, unlinked; null when there is none.
  T* pop_front() noexcept {
    T* first = front();
    if (first != nullptr) static_cast<list_node&>(*first).unlink();
    return first;
  }

  /// Moves all elements of `other` to the end of this list.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    list_node* first = other.head_.next_;
    list_node* last = other.head_.previous_;
    other.head_.previous_ = other.head_.next_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

 private:
  struct head final : list_node {};

  T* element(list_node* node) noexcept {
    // The analyzer does not see that a node has left the list before it is freed.
    return node == &head_ ? nullptr : static_cast<T*>(node);  // NOLINT(clang-analyzer-cplusplus.NewDelete)
  }

  head head_;
};

}  // namespace weft::coro
