// What is said of two sides that differ, and when.
#include "host/verify/comparison.h"

#include <catch2/catch.hpp>
#include <string>

using namespace corank;
using Catch::Contains;

namespace {

void take(Comparison& comparison, Side side, EventKind kind, int first, int end) {
  for (int i = first; i < end; ++i) comparison.take(side, kind, "line " + std::to_string(i));
}

}  // namespace

TEST_CASE("Equal sides have no difference, however far one is ahead, kind by kind") {
  Comparison comparison;
  take(comparison, Side::kRtl, EventKind::kCommand, 0, 100);
  take(comparison, Side::kRtl, EventKind::kTransaction, 0, 50);
  comparison.end(Side::kRtl);
  take(comparison, Side::kCycle, EventKind::kTransaction, 0, 50);
  take(comparison, Side::kCycle, EventKind::kCommand, 0, 100);
  comparison.end(Side::kCycle);
  CHECK(comparison.difference() == "");
  CHECK(comparison.equal(EventKind::kCommand) == 100);
  CHECK(comparison.equal(EventKind::kTransaction) == 50);
  CHECK(comparison.equal(EventKind::kResult) == 0);
}

TEST_CASE("The first difference is shown with six lines before it and three from it on") {
  Comparison comparison({"left", "right"});
  take(comparison, Side::kRtl, EventKind::kCounter, 0, 20);
  take(comparison, Side::kCycle, EventKind::kCounter, 0, 10);
  comparison.take(Side::kCycle, EventKind::kCounter, "other");
  take(comparison, Side::kCycle, EventKind::kCounter, 11, 12);
  CHECK(comparison.difference() == "");  // more of its context may come
  take(comparison, Side::kCycle, EventKind::kCounter, 12, 13);
  CHECK(comparison.difference() ==
        "counter 10 differs:\n"
        "  both   line 4\n  both   line 5\n  both   line 6\n  both   line 7\n  both   line 8\n"
        "  both   line 9\n"
        "  left   line 10\n  right  other\n"
        "  both   line 11\n  both   line 12\n");
  const std::string first = comparison.difference();
  comparison.take(Side::kCycle, EventKind::kCounter, "another");
  comparison.end(Side::kRtl);
  comparison.end(Side::kCycle);
  CHECK(comparison.difference() == first);
  CHECK(comparison.equal(EventKind::kCounter) == 10);
}

TEST_CASE("A side that says less, or more, differs when both have ended") {
  for (const Side shorter : {Side::kRtl, Side::kCycle}) {
    Comparison comparison;
    const Side longer = shorter == Side::kRtl ? Side::kCycle : Side::kRtl;
    take(comparison, shorter, EventKind::kResult, 0, 3);
    take(comparison, longer, EventKind::kResult, 0, 4);
    comparison.end(shorter);
    CHECK(comparison.difference() == "");
    comparison.end(longer);
    CHECK_THAT(comparison.difference(),
               Catch::StartsWith("result 3 differs:\n") &&
                   Contains(shorter == Side::kRtl ? "  rtl    -\n  cycle  line 3\n"
                                                  : "  rtl    line 3\n  cycle  -\n"));
  }
}
