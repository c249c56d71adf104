// A queue of a fixed capacity, as rtl/common/fifo.sv.
#pragma once

#include <cstddef>
#include <vector>

namespace corank::cycle_model {

/// What was taken out stays readable where nothing was put over it: front() of an empty ring is
/// what the hardware's output would show.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : words_(capacity) {}

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == words_.size(); }
  std::size_t size() const { return count_; }
  T& front() { return words_[head_]; }
  const T& front() const { return words_[head_]; }

  void push(const T& word) {
    words_[tail_] = word;
    tail_ = next(tail_);
    ++count_;
  }
  void pop() {
    head_ = next(head_);
    --count_;
  }
  /// Empty again; the words stay.
  void reset() { head_ = tail_ = count_ = 0; }

 private:
  std::size_t next(std::size_t place) const { return place + 1 == words_.size() ? 0 : place + 1; }

  std::vector<T> words_;
  std::size_t head_ = 0, tail_ = 0, count_ = 0;
};

}  // namespace corank::cycle_model
