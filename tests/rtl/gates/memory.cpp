// A tile memory of four lanes and its gates.
#include "Vmemory_beside_gates.h"
#include "tests/rtl/gates/comparison.h"

namespace {

constexpr unsigned kLanes = 4, kLines = 64, kReaders = 3, kWriters = 2;  // as in beside_gates.sv
constexpr unsigned kRequestBits = 49;

std::uint64_t random_request(corank::test::RandomInputs& random) {  // tile_request_t
  const bool transposed = random.one_in(2);
  const unsigned column = random.below(kLanes);
  const unsigned count = 1 + random.below(transposed ? kLanes : kLanes - column);
  const std::uint64_t line = random.one_in(32) ? random.bits(32) : random.below(kLines);
  return std::uint64_t{transposed} << 48 | std::uint64_t{count} << 40 |
         std::uint64_t{column} << 32 | line;
}

}  // namespace

int main(int argc, char** argv) {
  using corank::test::set_bits;
  const auto drive = [](Vmemory_beside_gates& memory, corank::test::RandomInputs& random) {
    memory.read_valid_i = static_cast<CData>(random.bits(kReaders));
    memory.write_valid_i = static_cast<CData>(random.bits(kWriters));
    for (unsigned port = 0; port < kReaders; ++port)
      set_bits(memory.read_request_i, port * kRequestBits, kRequestBits, random_request(random));
    for (unsigned port = 0; port < kWriters; ++port)
      set_bits(memory.write_request_i, port * kRequestBits, kRequestBits, random_request(random));
    for (unsigned word = 0; word < kWriters * kLanes / 2; ++word)
      set_bits(memory.write_data_i, word * 32, 32, random.bits(32));
  };
  return corank::test::compare_with_gates<Vmemory_beside_gates>("tile memory of 4 lanes", drive,
                                                                argc, argv);
}
