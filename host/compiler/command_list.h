// The commands of a step: of a large model millions, which are kept in a tenth of their bytes.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <iterator>
#include <vector>

#include "host/compiler/dependencies.h"
#include "rtl/interface/interface.h"

namespace corank {

struct CompiledCommand {
  interface::CommandWords words;
  int op = -1;  // index of the graph's op that it serves; -1: none (program load, halt)
  Waits waits_for = kNoWaits;  // the commands whose ends it waits for
};

/// A sequence of commands. The last ones, which still change, lie as they are; the others in pages
/// that LZ4 has packed, of which some are unpacked beside them for whoever reads. Neighbours are
/// read in about the time that a plain array takes, single ones far apart take some microseconds.
/// Commands are given by value. Readers share the unpacked pages: one thread at a time.
class CommandList {
 public:
  class Iterator;
  static constexpr std::size_t kPageCommands = 256;

  std::size_t size() const { return packed_.size() * kPageCommands + last_.size(); }
  bool empty() const { return size() == 0; }
  CompiledCommand operator[](std::size_t index) const;  // index below size()
  Iterator begin() const;
  Iterator end() const;

  void push_back(const CompiledCommand& command);
  void set(std::size_t index, const CompiledCommand& command);
  /// Calls change(CompiledCommand&).
  template <class Change>
  void change(std::size_t index, const Change& change) {
    CompiledCommand command = (*this)[index];
    change(command);
    set(index, command);
  }
  void clear() { *this = {}; }

 private:
  // A command's tokens change as later ones wait for it, almost always one of the last few hundred.
  static constexpr std::size_t kLast = 4096;
  static constexpr std::size_t kNoPage = static_cast<std::size_t>(-1);

  struct Page {
    std::size_t number = kNoPage;
    std::vector<CompiledCommand> commands;
  };

  void pack(std::size_t number, const std::vector<CompiledCommand>& commands);
  void unpack(std::size_t number, Page& page) const;

  std::vector<std::vector<char>> packed_;  // by page
  std::deque<CompiledCommand> last_;       // behind them
  Page changed_;                           // of one page this is what counts
  mutable std::array<Page, 8> read_;       // a page has its place by its number
};

/// Reads on from a command, as a standard input iterator does.
class CommandList::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = CompiledCommand;
  using difference_type = std::ptrdiff_t;
  using pointer = const CompiledCommand*;
  using reference = CompiledCommand;

  Iterator(const CommandList& list, std::size_t index) : list_(&list), index_(index) {}
  CompiledCommand operator*() const { return (*list_)[index_]; }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  bool operator==(const Iterator& other) const { return index_ == other.index_; }
  bool operator!=(const Iterator& other) const { return index_ != other.index_; }

 private:
  const CommandList* list_;
  std::size_t index_;
};

inline CommandList::Iterator CommandList::begin() const { return {*this, 0}; }
inline CommandList::Iterator CommandList::end() const { return {*this, size()}; }

}  // namespace corank
