#include "rtl/interface/interface.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::interface;

namespace {

void compare(const std::string& committed_file, const std::string& generated_file) {
  const std::string committed = content_of(committed_file), generated = content_of(generated_file);
  REQUIRE_FALSE(generated.empty());
  std::istringstream left(committed), right(generated);
  std::string a, b;
  for (int line = 1; std::getline(left, a) && std::getline(right, b); ++line) {
    INFO(committed_file << ":" << line << "; to renew it, copy " << generated_file);
    REQUIRE(a == b);
  }
  CHECK(committed == generated);
}

}  // namespace

TEST_CASE("the page and the schema in the tree are those that interface.yaml generates",
          "[interface]") {
  compare(SOURCE "/rtl/interface/INTERFACE.md", GENERATED "/INTERFACE.md");
  compare(SOURCE "/host/report/counters.schema.json", GENERATED "/counters.schema.json");
}

TEST_CASE("an instruction and a stream word have the bits of their fields", "[interface]") {
  VectorInstruction instruction;
  instruction.immediate = 0x3F800000;
  instruction.opcode = VectorOpcode::kDivide;
  instruction.destination = 0xA;
  instruction.a = 0xB;
  instruction.b = 0xC;
  instruction.b_immediate = true;
  instruction.stream = 3;
  constexpr std::uint64_t kBits = 0x00DC'BA05'3F80'0000;  // 11 0 1 1100 1011 1010, 05, immediate
  CHECK(encode(instruction) == kBits);
  const VectorInstruction again = decode_vector_instruction(kBits);
  CHECK(again.immediate == 0x3F800000);
  CHECK(again.opcode == VectorOpcode::kDivide);
  CHECK(again.destination == 0xA);
  CHECK(again.a == 0xB);
  CHECK(again.b == 0xC);
  CHECK(again.b_immediate);
  CHECK(again.stream == 3);

  StreamWord word;
  word.line = 0xABCDEF;
  word.broadcast_row = true;
  CHECK(encode(word) == 0x04AB'CDEF);
  word.transposed = true;
  CHECK(encode(word) == 0x06AB'CDEF);
  CHECK(decode_stream_word(0x01000001).accumulator);
  CHECK_FALSE(decode_stream_word(0x01000001).transposed);
  CHECK(decode_stream_word(0x01000001).line == 1);
}

TEST_CASE("an instruction that computes has a counter, one that is iterative takes longer",
          "[interface]") {
  CHECK(exists(VectorOpcode::kSquareRoot));
  CHECK_FALSE(exists(static_cast<VectorOpcode>(0xFF)));
  CHECK_FALSE(is_arithmetic(VectorOpcode::kLoad));
  CHECK_FALSE(is_arithmetic(VectorOpcode::kStore));
  CHECK(counter_of(VectorOpcode::kAdd) == Counter::kVectorAdds);
  CHECK(counter_of(VectorOpcode::kSubtract) == Counter::kVectorAdds);
  CHECK(counter_of(VectorOpcode::kSquareRoot) == Counter::kVectorSquareRoots);
  CHECK(counter_of(VectorOpcode::kMaximum) == Counter::kVectorMaximums);
  CHECK(is_iterative(VectorOpcode::kDivide));
  CHECK_FALSE(is_iterative(VectorOpcode::kMultiply));
  CHECK(kDivideInterval == 15);
  CHECK(pass_latency(8) == 19);
}

TEST_CASE("an engine's tokens are those of its row: 4 * from + to", "[interface]") {
  CHECK(token(Engine::kLoad, Engine::kStore) == 1u << 3);
  CHECK(token(Engine::kVector, Engine::kArray) == 1u << 9);
  CHECK(unit_of(Engine::kLoad) == Unit::kLoad);
  CHECK(unit_of(Engine::kStore) == Unit::kStore);
}
