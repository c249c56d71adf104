// First in, first out, in one piece of memory that is used again: a deque would get and give back a
// piece for every dozen accesses.
#pragma once

#include <cstddef>
#include <vector>

namespace corank {

template <class T>
class AccessQueue {
 public:
  bool empty() const { return first_ == items_.size(); }
  const T& front() const { return items_[first_]; }
  void push(const T& item) { items_.push_back(item); }
  void pop() {
    ++first_;
    if (first_ < kMostTaken && first_ < items_.size()) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

 private:
  static constexpr std::size_t kMostTaken = 4096;  // before the rest is moved to the beginning

  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace corank
