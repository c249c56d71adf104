// A page that stands by itself: one HTML file, which asks nobody for anything.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace corank {

/// What a picture shows as figures. The first column names the rows.
struct PageTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  // as long as `head`
  bool commands = false;                       // the last column are commands to be copied
};

struct LegendEntry {
  std::string style, name;  // of the picture's classes
  int shape = -1;           // of a marker (Svg::marker); -1: an area
};

/// A picture with what is needed to read it. Text is text; `picture` is HTML or SVG.
struct Figure {
  std::string id;  // letters and hyphens
  std::string title;
  std::string sentence;  // what it shows, of this run
  std::vector<LegendEntry> legend;
  std::string picture;
  std::vector<std::string> notes;  // what it leaves out, or how it is meant
  PageTable table;                 // without rows: none
  std::string table_title = "The figures";
  PageTable sources;  // where the figures come from, and of what quality they are
  bool wide = false;  // takes the page's whole width
};

struct Card {
  std::string value, name, more;
  bool warning = false;
};

struct Page {
  std::string title;     // of the browser's tab, and of the page
  std::string question;  // that it answers
  std::string subtitle;
  std::string verdict;  // is it right, and whole?
  bool good = true;     // the verdict is
  std::vector<Card> cards;
  std::vector<std::string> notes;
  std::vector<Figure> figures;
  std::vector<std::string> scripts;            // programs of the pictures that answer to the user
  std::optional<nlohmann::ordered_json> data;  // for them
};

/// The HTML of a table.
std::string to_html(const PageTable& table);
/// The HTML of the page, with a policy (Content-Security-Policy) by which the browser loads nothing
/// but what is in it.
std::string to_html(const Page& page);

}  // namespace corank
