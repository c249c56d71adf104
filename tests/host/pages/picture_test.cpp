// Pictures against places and texts that were worked out by hand.
#include <catch2/catch.hpp>
#include <cmath>

#include "host/pages/axes.h"
#include "host/pages/html.h"
#include "host/pages/page.h"
#include "host/pages/pictures.h"

using namespace corank;
using Catch::Matchers::Contains;

TEST_CASE("a name of somebody's file stays text in HTML, in SVG and in a script") {
  const std::string name = "</script><script>alert('1')</script> & \"x\"";
  CHECK(escaped(name) ==
        "&lt;/script&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;");
  CHECK(escaped(std::string("a\0\x1b"
                            "b",
                            4)) ==
        "a\xEF\xBF\xBD\xEF\xBF\xBD"
        "b");
  const nlohmann::ordered_json json = {{"name", name + "\xE2\x80\xA8"}};
  const std::string text = json_for_script(json);
  CHECK(text.find('<') == std::string::npos);
  CHECK(text.find("\xE2\x80\xA8") == std::string::npos);
  CHECK(nlohmann::ordered_json::parse(text) == json);
  Svg svg("picture", 10, 10, name, name);
  svg.text(1, 2, name, "label");
  svg.rectangle(0, 0, 1, 1, "c0", name);
  CHECK(svg.str().find("<script") == std::string::npos);
}

TEST_CASE("numbers of a picture have two decimals at most") {
  CHECK(svg_number(1.005) == "1");  // 1.00499...
  CHECK(svg_number(0.126) == "0.13");
  CHECK(svg_number(-0.001) == "0");
  CHECK(svg_number(100) == "100");
  CHECK(svg_number(NAN) == "0");
}

TEST_CASE("a linear scale has round ticks, a logarithmic one powers of ten") {
  AxisScale linear;
  linear.to = 23;
  linear.begin = 100;
  linear.end = 560;
  CHECK(linear.place(0) == 100);
  CHECK(linear.place(11.5) == 330);
  CHECK(linear.ticks(5) == std::vector<double>{0, 5, 10, 15, 20});
  AxisScale decades;
  decades.logarithmic = true;
  decades.from = 1;
  decades.to = 100;
  decades.end = 200;
  CHECK(decades.place(10) == Approx(100));
  CHECK(decades.ticks(3) == std::vector<double>{1, 10, 100});
  const std::vector<double> fine = decades.ticks(7);
  REQUIRE(fine.size() == 7);  // 1 2 5 10 20 50 100
  CHECK(fine[4] == Approx(20));
  AxisScale steps;
  steps.from = 1;
  steps.to = 4;
  steps.whole = true;
  CHECK(steps.ticks(7) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("a scale goes around its values by round ones, and knows what it cannot show") {
  const AxisScale scale = scale_around({30, 700, 0, -5, INFINITY}, true);
  CHECK(scale.from == Approx(20));
  CHECK(scale.to == Approx(1000));
  const AxisScale nothing = scale_around({}, true);
  CHECK(nothing.from == 1);
  CHECK(nothing.to == 10);
  CHECK(scale_around({NAN}, false).to == 1);
}

TEST_CASE("a unit's bar is as long as its share") {
  StackedBars bars;
  bars.id = "units";
  bars.title = "Cycles";
  bars.sentence = "A sentence.";
  bars.parts = {{"c2", "busy"}, {"c5", "waits"}, {"c1", "never"}};
  bars.bars = {{"array", {75, 25, 0}}};
  bars.unit = "cycles";
  const Figure figure = stacked_bars_figure(bars);
  // The name takes 22 + 5 x 0.62 x 12 = 59.2; the scale ends 22 before 560: 478.8 for the whole.
  CHECK_THAT(figure.picture, Contains("<rect x=\"59.2\" y=\"12\" width=\"359.1\" height=\"26\" "
                                      "class=\"c2\"><title>array, busy: 75 cycles (75.0 %)"));
  CHECK_THAT(figure.picture, Contains("<rect x=\"418.3\" y=\"12\" width=\"119.7\""));
  CHECK_THAT(figure.picture, Contains("<desc id=\"units-d\">A sentence."));
  CHECK(figure.legend.size() == 2);  // of what is nowhere there is nothing to say
  CHECK(figure.table.rows ==
        std::vector<std::vector<std::string>>{
            {"array", "75 cycles (75.0 %)", "25 cycles (25.0 %)", "0 cycles (0 %)", "100 cycles"}});
}

TEST_CASE("the roofline says which roof bounds, and how near to it the work comes") {
  Roofline roofline;
  roofline.operations_per_s = 100e9;
  roofline.roofs = {{"memory", 10e9}, {"port", 20e9}, {"none", 0}};
  // 4 operations a byte: at most 40 G a second of the memory; 20 G a second are reached.
  roofline.dots = {{"work", 40e9, 10e9, 2}, {"copies", 0, 5e9, 1}};
  const Figure figure = roofline_figure(roofline);
  CHECK(figure.sentence ==
        "The work does 4 operations for each byte that it moves, under the roof "
        "of the memory; it gets 50.0 % of what that allows.");
  REQUIRE(figure.table.rows.size() == 4);  // what has no operations has no place
  CHECK(figure.table.rows[0] ==
        std::vector<std::string>{"work", "40 G", "10 GB", "4", "2 s", "20 G", "50.0 %"});
  CHECK_THAT(figure.picture, Contains("memory, 10 GB/s"));
}

TEST_CASE("energy that rests on an assumption is hatched, and said to be so much") {
  EnergyBars energy;
  energy.pj = 4e6;
  energy.table = "a table";
  EnergyBar known;
  known.action = "bf16_multiply";
  known.part = "dynamic";
  known.quality = "measured";
  known.source = "a source";
  known.unit = "operation";
  known.count = 3e6;
  known.pj_each = known.low_pj_each = known.high_pj_each = 1;
  known.pj = 3e6;
  EnergyBar guessed = known;
  guessed.action = "link_byte";
  guessed.quality = "assumed";
  guessed.count = guessed.pj = 1e6;
  energy.bars = {guessed, known};
  const Figure figure = energy_figure(energy);
  CHECK(figure.sentence ==
        "Most of 4 uJ goes to bf16 multiply (75.0 %); 25.0 % of it rests on "
        "assumed figures.");
  const std::string hatched = "fill=\"url(#energy-hatch)\"";
  CHECK_THAT(figure.picture, Contains(hatched));
  CHECK(figure.picture.find(hatched) == figure.picture.rfind(hatched));
  REQUIRE(figure.sources.rows.size() == 2);
  CHECK(figure.sources.rows[0] == std::vector<std::string>{"bf16 multiply", "measured",
                                                           "1 to 1, each operation", "a source"});
}

TEST_CASE("memory over time finds the moment at which the most is alive, without gaps") {
  MemoryOverTime memory;
  memory.roles = {"weights", "stash", "gaps"};
  memory.points = {{1e-3, "forward", {60e6, 0, 40e6}}, {2e-3, "backward", {60e6, 30e6, 10e6}}};
  memory.end = 3e-3;
  memory.capacity = 200e6;
  const Figure figure = memory_figure(memory);
  CHECK(figure.sentence ==
        "The step takes 100 MB, 50.0 % of the memory's 200 MB; the most that is "
        "alive, 90 MB, is so 2 ms into it, at backward.");
  CHECK_THAT(figure.picture, Contains("capacity 200 MB"));
  REQUIRE(figure.legend.size() == 3);
  CHECK(figure.legend[2].style == "none");
}

TEST_CASE("a page loads nothing, and holds its data as text") {
  Page page;
  page.title = "<b>bold</b>";
  page.data = nlohmann::ordered_json{{"name", "</script>"}};
  page.cards = {{"1 s", "a step", "<i>"}};
  Figure figure;
  figure.id = "one";
  figure.table.head = {"a", "b"};
  figure.table.rows = {{"<x>", "1"}};
  page.figures = {figure};
  const std::string html = to_html(page);
  CHECK_THAT(html, Contains("default-src 'none'"));
  CHECK_THAT(html, Contains("<h1>&lt;b&gt;bold&lt;/b&gt;</h1>"));
  CHECK_THAT(html, Contains("{\"name\":\"\\u003c/script\\u003e\"}"));
  CHECK_THAT(html, Contains("<th>&lt;x&gt;</th>"));
  for (const char* asks : {"http:", "https:", "url(", "@import", "src="}) {
    INFO(asks);
    std::string left = html;
    const std::string space = "http://www.w3.org/2000/svg";  // a name, which nobody fetches
    for (auto at = left.find(space); at != std::string::npos; at = left.find(space))
      left.erase(at, space.size());
    CHECK(left.find(asks) == std::string::npos);
  }
}
