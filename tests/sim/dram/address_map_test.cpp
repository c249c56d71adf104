#include "sim/dram/address_map.h"

#include <catch2/catch.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

using namespace corank;
using Catch::Contains;

namespace {

// 2 groups of 2 banks, 4 rows of 4 accesses of 64 bytes: 4 KiB.
DramOrganisation small() { return {2, 2, 256, 4, 64, 1}; }

std::string refusal(const std::string& text, int channels = 1) {
  try {
    DramAddressMap(text, small(), channels);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("an address is taken apart from the least significant part on") {
  const DramAddressMap map("row bank column:1 channel column group", small(), 2);
  // 64 bytes; then group 1 bit, column 1 bit, channel 1 bit, column 1 bit, bank 1 bit, row 2 bits.
  const DramPlace place = map.place(64 * 0b10'1'1'0'1'1 + 63);
  CHECK(place.row == 2);
  CHECK(place.bank == 1 * 2 + 1);
  CHECK(place.column == 0b11);
  CHECK(place.channel == 0);
  CHECK(map.place(64 * 0b100).channel == 1);
  CHECK(map.bytes() == 8192);
}

TEST_CASE("every access of every channel has one address, for any number of channels") {
  const int channels = GENERATE(1, 2, 3, 5);
  const std::string text =
      GENERATE("row bank group column channel", "channel row bank column group",
               "row column:1 bank channel column group");
  const DramAddressMap map(text, small(), channels);
  std::set<std::tuple<int, int, int, int>> seen;
  for (std::uint64_t address = 0; address < map.bytes(); address += 64) {
    const DramPlace p = map.place(address);
    CHECK((p.channel < channels && p.bank < 4 && p.row < 4 && p.column < 4));
    seen.insert({p.channel, p.bank, p.row, p.column});
  }
  CHECK(seen.size() == static_cast<std::size_t>(64 * channels));
}

TEST_CASE("a map that does not cover the device is refused") {
  CHECK(refusal("row bank group column") == "");
  CHECK_THAT(refusal("row bank column"), Contains("expected 1 bits of 'group'"));
  CHECK_THAT(refusal("row:1 bank group column"),
             Contains("expected 2 bits of 'row'") && Contains("found 1"));
  CHECK_THAT(refusal("row:3 bank group column"), Contains("found 3"));
  CHECK_THAT(refusal("row bank group column", 2), Contains("'channel'"));
  CHECK_THAT(refusal("row row bank group column"), Contains("found it twice"));
  CHECK_THAT(refusal("row bnak group column"), Contains("found 'bnak'"));
  CHECK_THAT(refusal("row:x bank group column"), Contains("1..32"));
  CHECK_THAT(refusal("row bank group column channel:1", 3), Contains("as there are 3"));
}

TEST_CASE("a walk comes to the places of one access after the other") {
  const auto [text, channels] =
      GENERATE(table<std::string, int>({{"row bank column channel group", 3},
                                        {"row bank column:1 channel column group", 2},
                                        {"group row column channel bank", 1},
                                        {"row bank group column channel", 5}}));
  INFO(text);
  const DramAddressMap map(text, small(), channels);
  const std::uint64_t size = 64, all = map.bytes() / size;
  // From each access on, and beyond the end, where the addresses begin again.
  for (std::uint64_t first = 0; first < all; first += 7) {
    std::uint64_t access = first;
    bool same = true;
    map.walk(first, first + 100, [&](const DramPlace& place, int count, int step) {
      for (int i = 0; i < count; ++i, ++access) {
        const DramPlace expected = map.place(access * size);
        same = same && place.channel == expected.channel && place.row == expected.row &&
               place.column == expected.column && place.bank + i * step == expected.bank;
      }
    });
    CHECK(same);
    CHECK(access == first + 101);
  }
}
