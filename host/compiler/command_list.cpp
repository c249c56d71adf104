#include "host/compiler/command_list.h"

#include <lz4.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "models/base/error.h"

namespace corank {
namespace {

using Words = std::array<std::uint32_t, sizeof(CompiledCommand) / sizeof(std::uint32_t)>;
static_assert(std::is_trivially_copyable_v<CompiledCommand>);
static_assert(sizeof(Words) == sizeof(CompiledCommand));

Words words_of(const CompiledCommand& command) {
  Words words;
  std::memcpy(words.data(), &command, sizeof words);
  return words;
}

// Neighbours differ in few of their words: a page is packed as the first words of its commands,
// then the second ones, and so on.
using Columns = std::array<std::uint32_t, CommandList::kPageCommands * std::tuple_size_v<Words>>;

}  // namespace

CompiledCommand CommandList::operator[](std::size_t index) const {
  const std::size_t number = index / kPageCommands, within = index % kPageCommands;
  if (number >= packed_.size()) return last_[index - packed_.size() * kPageCommands];
  if (number == changed_.number) return changed_.commands[within];
  Page& page = read_[number % read_.size()];
  if (number != page.number) unpack(number, page);
  return page.commands[within];
}

void CommandList::push_back(const CompiledCommand& command) {
  last_.push_back(command);
  if (last_.size() < kLast + kPageCommands) return;
  const auto end = last_.begin() + static_cast<std::ptrdiff_t>(kPageCommands);
  packed_.emplace_back();
  pack(packed_.size() - 1, {last_.begin(), end});
  last_.erase(last_.begin(), end);
}

void CommandList::set(std::size_t index, const CompiledCommand& command) {
  const std::size_t number = index / kPageCommands;
  if (number >= packed_.size()) {
    last_[index - packed_.size() * kPageCommands] = command;
    return;
  }
  if (number != changed_.number) {
    if (changed_.number != kNoPage) pack(changed_.number, changed_.commands);
    unpack(number, changed_);
    Page& read = read_[number % read_.size()];
    if (read.number == number) read.number = kNoPage;
  }
  changed_.commands[index % kPageCommands] = command;
}

void CommandList::pack(std::size_t number, const std::vector<CompiledCommand>& commands) {
  Columns columns;
  for (std::size_t i = 0; i < kPageCommands; ++i) {
    const Words words = words_of(commands[i]);
    for (std::size_t word = 0; word < words.size(); ++word)
      columns[word * kPageCommands + i] = words[word];
  }
  std::array<char, LZ4_COMPRESSBOUND(sizeof columns)> room;
  const int packed = LZ4_compress_default(reinterpret_cast<const char*>(columns.data()),
                                          room.data(), sizeof columns, room.size());
  packed_[number].assign(room.begin(), room.begin() + packed);
}

void CommandList::unpack(std::size_t number, Page& page) const {
  Columns columns;
  const std::vector<char>& packed = packed_[number];
  const int bytes = LZ4_decompress_safe(packed.data(), reinterpret_cast<char*>(columns.data()),
                                        static_cast<int>(packed.size()), sizeof columns);
  if (bytes != sizeof columns) {
    throw MachineError("internal fault, please report it: packed commands cannot be read");
  }
  page.commands.resize(kPageCommands);
  page.number = number;
  for (std::size_t i = 0; i < kPageCommands; ++i) {
    Words words;
    for (std::size_t word = 0; word < words.size(); ++word)
      words[word] = columns[word * kPageCommands + i];
    std::memcpy(static_cast<void*>(&page.commands[i]), words.data(), sizeof words);
  }
}

}  // namespace corank
