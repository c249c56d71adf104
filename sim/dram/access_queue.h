// First in, first out, in one piece of memory that is used again and again; what is inside can also
// be looked at and taken out of turn.
#pragma once

#include <cstddef>
#include <vector>

namespace corank {

template <class T>
class AccessQueue {
 public:
  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }
  /// 0: the one that came first.
  const T& operator[](std::size_t place) const { return items_[(first_ + place) & mask_]; }
  T& front() { return items_[first_ & mask_]; }
  const T& front() const { return items_[first_ & mask_]; }

  void push(const T& item) {
    if (size() > mask_) grow();
    items_[end_++ & mask_] = item;
  }
  void pop() {
    // Where it was empty it begins again at the front, which stays in the processor's cache.
    if (++first_ == end_) first_ = end_ = 0;
  }
  void take(std::size_t place) {
    for (; place > 0; --place) items_[(first_ + place) & mask_] = (*this)[place - 1];
    pop();
  }

 private:
  void grow() {
    std::vector<T> larger(2 * items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) larger[i] = (*this)[i];
    end_ = items_.size();
    first_ = 0;
    items_.swap(larger);
    mask_ = items_.size() - 1;
  }

  std::vector<T> items_ = std::vector<T>(32);  // a power of two
  std::size_t mask_ = 31;
  std::size_t first_ = 0, end_ = 0;  // modulo the memory's size
};

}  // namespace corank
