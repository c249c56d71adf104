#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "tests/host/temporary_folder.h"

using namespace corank;

TEST_CASE("INTERFACE.md is the page that interface.yaml generates", "[interface]") {
  const std::string committed = content_of(COMMITTED_PAGE), generated = content_of(GENERATED_PAGE);
  REQUIRE_FALSE(generated.empty());
  std::istringstream left(committed), right(generated);
  std::string a, b;
  for (int line = 1; std::getline(left, a) && std::getline(right, b); ++line) {
    INFO(COMMITTED_PAGE << ":" << line << "; to renew it, copy " << GENERATED_PAGE);
    REQUIRE(a == b);
  }
  CHECK(committed == generated);
}
