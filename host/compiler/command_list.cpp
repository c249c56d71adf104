#include "host/compiler/command_list.h"

#include <lz4.h>

#include <type_traits>

#include "models/base/error.h"

namespace corank {

static_assert(std::is_trivially_copyable_v<CompiledCommand>);  // a page is packed as bytes

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
  const auto bytes = static_cast<int>(commands.size() * sizeof(CompiledCommand));
  std::vector<char> room(static_cast<std::size_t>(LZ4_compressBound(bytes)));
  const int packed = LZ4_compress_default(reinterpret_cast<const char*>(commands.data()),
                                          room.data(), bytes, static_cast<int>(room.size()));
  packed_[number].assign(room.begin(), room.begin() + packed);
}

void CommandList::unpack(std::size_t number, Page& page) const {
  constexpr int kBytes = kPageCommands * sizeof(CompiledCommand);
  const std::vector<char>& packed = packed_[number];
  page.commands.resize(kPageCommands);
  page.number = number;
  const int bytes =
      LZ4_decompress_safe(packed.data(), reinterpret_cast<char*>(page.commands.data()),
                          static_cast<int>(packed.size()), kBytes);
  if (bytes != kBytes) {
    throw MachineError("internal fault, please report it: packed commands cannot be read");
  }
}

}  // namespace corank
