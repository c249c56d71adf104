// Records and codes of packed weights to elements, cycle by cycle: those of models/quantized, bit
// by bit.
#include <Vdecoder_bench_32.h>
#include <Vdecoder_bench_4.h>
#include <Vdecoder_bench_8.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <set>
#include <vector>

#include "models/base/numerics.h"
#include "rtl/interface/interface.h"
#include "tests/rtl/command/clocked.h"
#include "tests/rtl/decoder/packed_rows.h"
#include "tests/rtl/memory/seed.h"

namespace {

using namespace corank;
using namespace corank::test;

constexpr unsigned kWordsOfTables = 256, kMostLanes = 32;

using Elements = std::array<std::uint16_t, kMostLanes>;

/// Elements that begin in a cycle.
struct Beat {
  bool valid = false;
  std::uint64_t format = 0;
  std::array<std::uint8_t, kMostLanes> codes{};
  bool halves = false;  // codes of 4 bits
  std::uint32_t second = 0;
  Elements elements{};
};

/// What the datapath is given in a cycle; what is not valid there is random when it is played.
struct Cycle {
  bool format_valid = false;
  std::uint64_t row_format = 0;
  bool row_valid = false;
  std::array<std::uint32_t, 4> record{};
  std::uint32_t position = 0;
  bool map_write = false, nested_write = false;
  std::uint16_t write_word = 0;
  std::array<std::uint32_t, 16> write_data{};
  Beat beat;
};

struct Size {
  unsigned lanes, axi_data_bits;
};

/// The cycles of matrix after matrix, as close to each other as they may be.
class Timeline {
 public:
  Timeline(const Size& size, Random& random) : size_(size), random_(random) {}

  /// A row every two cycles or as its beats take, and now and then a pause.
  void add(const PackedMatrix& matrix, int rows) {
    const std::uint64_t format = pack_format(matrix, random_);
    if (matrix.tensor.format.nested_block > 0) add_tables(matrix);
    for (int n = 0; n < rows; ++n) {
      const PackedRow row = random_row(matrix, random_);
      at(next_).row_valid = true;
      at(next_).record = row.record;
      at(next_).position = row.position;
      for (int k = 0; k < interface::kScaleLatency; ++k) {
        at(next_ + k).format_valid = true;
        at(next_ + k).row_format = format;
      }
      last_row_ = next_;
      next_ += add_beats(row, format, code_bits(matrix.tensor.format.code) == 4);
    }
    next_ = std::max(next_, last_row_ + interface::kScaleLatency);
  }

  const std::vector<Cycle>& cycles() const { return cycles_; }

 private:
  Cycle& at(int cycle) {
    const auto index = static_cast<std::size_t>(cycle);
    if (cycles_.size() <= index) cycles_.resize(index + 1);
    return cycles_[index];
  }

  /// Behind the rows that read what was there before.
  void add_tables(const PackedMatrix& matrix) {
    const QuantizedTensor& tensor = matrix.tensor;
    std::array<std::uint32_t, kWordsOfTables> map{}, nested{};
    for (std::uint32_t& word : nested) word = static_cast<std::uint32_t>(random_());
    for (std::size_t i = 0; i < map.size(); ++i) map[i] = bits_of(tensor.nested_map[i]);
    const std::uint32_t first = matrix.position / interface::kNestedElements;
    for (std::size_t i = 0; i < tensor.nested_scales.size(); ++i)
      nested[(first + i) % kWordsOfTables] = bits_of(tensor.nested_scales[i]);

    const unsigned beat = size_.axi_data_bits / 32;
    int cycle = last_row_ + 2;
    for (unsigned word = 0; word < 2 * kWordsOfTables; word += beat, ++cycle) {
      const bool to_map = word < kWordsOfTables;
      at(cycle).map_write = to_map;
      at(cycle).nested_write = !to_map;
      at(cycle).write_word = static_cast<std::uint16_t>(word % kWordsOfTables);
      for (unsigned i = 0; i < beat; ++i)
        at(cycle).write_data[i] = (to_map ? map : nested)[word % kWordsOfTables + i];
    }
    next_ = std::max(next_, cycle);
  }

  /// A row's beats, somewhere in the cycles that its pair is there for. Returns how many these are.
  int add_beats(const PackedRow& row, std::uint64_t format, bool halves) {
    const unsigned lanes = size_.lanes;
    const int beats = kRowElements / static_cast<int>(lanes);
    const int pause = random_() % 4 == 0 ? static_cast<int>(random_() % 8) : 0;
    const int window = std::max(beats, 2) + pause;
    for (int cycle = 0, done = 0; cycle < window && done < beats; ++cycle) {
      const bool skip =
          static_cast<int>(random_() % static_cast<unsigned>(window - cycle)) >= beats - done;
      if (skip) continue;
      Beat& beat = at(next_ + interface::kScaleLatency + cycle).beat;
      beat.valid = true;
      beat.format = format;
      beat.halves = halves;
      const unsigned first = static_cast<unsigned>(done) * lanes;
      beat.second =
          static_cast<std::uint32_t>(row.second >> first & ((std::uint64_t{1} << lanes) - 1));
      std::copy_n(row.codes.begin() + first, lanes, beat.codes.begin());
      std::copy_n(row.elements.begin() + first, lanes, beat.elements.begin());
      ++done;
    }
    return window;
  }

  Size size_;
  Random& random_;
  std::vector<Cycle> cycles_;
  int next_ = 0;       // the next row may come
  int last_row_ = -2;  // came
};

template <class Module>
class Bench {
 public:
  Bench(const Size& size, Random& random) : size_(size), random_(random) {
    clocked_->row_valid_i = clocked_->valid_i = 0;
    clocked_->map_write_valid_i = clocked_->nested_write_valid_i = 0;
    clocked_.reset();
  }

  /// Compares in every cycle what there is with the elements of the last beat that has come out.
  /// Returns how many elements came out.
  std::int64_t play(const std::vector<Cycle>& cycles) {
    const Beat* shown = nullptr;
    std::int64_t elements = 0;
    for (std::size_t cycle = 0; cycle < cycles.size() + interface::kElementLatency; ++cycle) {
      drive(cycle < cycles.size() ? cycles[cycle] : Cycle());
      clocked_.settle();
      if (cycle >= interface::kElementLatency) {
        const Beat& beat = cycles[cycle - interface::kElementLatency].beat;
        if (beat.valid) {
          shown = &beat;
          elements += size_.lanes;
        }
      }
      if (shown != nullptr) compare(*shown, cycle);
      clocked_.tick();
    }
    return elements;
  }

 private:
  std::uint32_t noise() { return static_cast<std::uint32_t>(random_()); }

  void drive(const Cycle& cycle) {
    constexpr std::uint64_t kFormat = (std::uint64_t{1} << 53) - 1;
    clocked_->row_format_i = cycle.format_valid ? cycle.row_format : random_() & kFormat;
    clocked_->row_valid_i = cycle.row_valid;
    for (unsigned i = 0; i < 4; ++i)
      clocked_->record_i[i] = cycle.row_valid ? cycle.record[i] : noise();
    clocked_->position_i = cycle.row_valid ? cycle.position : noise();
    clocked_->map_write_valid_i = cycle.map_write;
    clocked_->nested_write_valid_i = cycle.nested_write;
    clocked_->write_word_i = cycle.write_word;
    for (unsigned i = 0; i < 16; ++i) clocked_->write_data_i[i] = cycle.write_data[i];
    const Beat& beat = cycle.beat;
    clocked_->format_i = beat.valid ? beat.format : random_() & kFormat;
    clocked_->valid_i = beat.valid;
    clocked_->second_i = beat.valid ? beat.second : noise();
    for (unsigned i = 0; i < 8; ++i) clocked_->codes_i[i] = noise();
    if (!beat.valid) return;
    const unsigned bits = beat.halves ? 4 : 8;
    for (unsigned n = 0; n < size_.lanes; ++n)
      set_bits(clocked_->codes_i, n * bits, bits, beat.codes[n]);
  }

  void compare(const Beat& beat, std::size_t cycle) {
    for (unsigned n = 0; n < size_.lanes; ++n) {
      const auto found = static_cast<std::uint16_t>(clocked_->data_o[n / 2] >> (n % 2 * 16));
      if (found == beat.elements[n]) continue;
      INFO("cycle " << cycle << ", lane " << n << ", code " << int{beat.codes[n]} << ", format 0x"
                    << std::hex << beat.format);
      REQUIRE(found == beat.elements[n]);
    }
  }

  Size size_;
  Random& random_;
  Clocked<Module> clocked_;
};

/// What has been seen of the elements, so that a test that draws nothing of interest fails.
struct Seen {
  std::int64_t nans = 0, infinities = 0, zeros = 0, minus_zeros = 0;
  std::set<int> codes;

  void add(const std::vector<Cycle>& cycles, unsigned lanes) {
    for (const Cycle& cycle : cycles) {
      if (!cycle.beat.valid) continue;
      for (unsigned n = 0; n < lanes; ++n) {
        const unsigned element = cycle.beat.elements[n], magnitude = element & 0x7FFFu;
        nans += magnitude > 0x7F80u;
        infinities += magnitude == 0x7F80u;
        zeros += element == 0;
        minus_zeros += element == 0x8000u;
        codes.insert(cycle.beat.codes[n]);
      }
    }
  }
};

/// Random matrices of every kind, in random order. Returns how many elements were compared.
template <class Module>
std::int64_t compare_with_model(const Size& size, ElementCode code) {
  const unsigned seed = new_seed();
  Random random(seed);
  std::vector<PackedKind> kinds = packed_kinds(code);
  std::shuffle(kinds.begin(), kinds.end(), random);
  Bench<Module> bench(size, random);
  Seen seen;
  std::int64_t elements = 0;
  for (const PackedKind& kind : kinds) {
    INFO(to_string(kind) << ", " << size.lanes << " lanes, CORANK_SEED=" << seed);
    Timeline timeline(size, random);
    for (int n = 0; n < 3; ++n) timeline.add(random_matrix(kind, random), 40);
    seen.add(timeline.cycles(), size.lanes);
    elements += bench.play(timeline.cycles());
  }
  CHECK(seen.codes.size() == std::size_t{1} << code_bits(code));
  CHECK(seen.nans > 1000);
  CHECK(seen.infinities > 1000);
  CHECK(seen.zeros > 1000);
  CHECK(seen.minus_zeros > 1000);
  return elements;
}

template <class Module>
void compare_all(const Size& size) {
  std::int64_t elements = 0;
  for (const ElementCode code :
       {ElementCode::kNf4, ElementCode::kFp4, ElementCode::kUnsigned4, ElementCode::kSigned8})
    elements += compare_with_model<Module>(size, code);
  CAPTURE(elements);
  CHECK(elements > 1'000'000);
}

}  // namespace

// Lanes and bits of the bus as in CMakeLists.txt.
TEST_CASE("random packed weights of every kind are decoded to the bits of the reference") {
  SECTION("4 lanes") { compare_all<Vdecoder_bench_4>({4, 64}); }
  SECTION("8 lanes") { compare_all<Vdecoder_bench_8>({8, 128}); }
  SECTION("32 lanes") { compare_all<Vdecoder_bench_32>({32, 512}); }
}

TEST_CASE("matrices of different kinds follow each other while elements are in flight") {
  const unsigned seed = new_seed();
  INFO("CORANK_SEED=" << seed);
  Random random(seed);
  const Size size{8, 128};
  std::vector<PackedKind> kinds;
  for (const ElementCode code : {ElementCode::kNf4, ElementCode::kUnsigned4, ElementCode::kSigned8})
    for (const PackedKind& kind : packed_kinds(code)) kinds.push_back(kind);
  std::shuffle(kinds.begin(), kinds.end(), random);
  Timeline timeline(size, random);
  for (const PackedKind& kind : kinds) timeline.add(random_matrix(kind, random), 2);
  Bench<Vdecoder_bench_8> bench(size, random);
  CHECK(bench.play(timeline.cycles()) ==
        static_cast<std::int64_t>(kinds.size()) * 2 * kRowElements);
}

TEST_CASE("a row's scale is there after seven cycles, and an element seven cycles later") {
  Clocked<Vdecoder_bench_4> bench;
  bench->row_valid_i = bench->valid_i = 0;
  bench->map_write_valid_i = bench->nested_write_valid_i = 0;
  bench.reset();
  // NF4, block_bits 6; code 15 is 1, and scales are FP32.
  bench->row_format_i = bench->format_i = std::uint64_t{6} << 40;
  bench->second_i = 0;
  set_bits(bench->codes_i, 0, 16, 0xFFFF);
  std::vector<std::uint32_t> lane_2;
  for (int cycle = 0; cycle < 40; ++cycle) {
    // 0.5 in cycle 0, 1 in cycle 20, 2 in cycle 22
    bench->row_valid_i = cycle == 0 || cycle == 20 || cycle == 22;
    bench->record_i[0] = cycle == 0 ? 0x3F000000u : cycle == 20 ? 0x3F800000u : 0x40000000u;
    bench->valid_i = cycle >= 7 && cycle != 28;
    bench.settle();
    lane_2.push_back(bench->data_o[1] & 0xFFFFu);
    bench.tick();
  }
  for (std::size_t cycle = 14; cycle < 34; ++cycle) CHECK(lane_2[cycle] == 0x3F00);
  CHECK(lane_2[34] == 0x3F80);
  CHECK(lane_2[35] == 0x3F80);  // no code came in cycle 28
  for (std::size_t cycle = 36; cycle < 40; ++cycle) CHECK(lane_2[cycle] == 0x4000);
}
