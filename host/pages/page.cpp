#include "host/pages/page.h"

#include <fmt/format.h>

#include "host/pages/html.h"
#include "host/pages/svg.h"
#include "host/pages/texts.h"

namespace corank {
namespace {

// Nothing is loaded from anywhere; style and scripts are those of the page itself.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'";

std::string cell(const std::string& tag, const std::string& text, const std::string& style = "") {
  return fmt::format("<{0}{2}>{1}</{0}>", tag, escaped(text),
                     style.empty() ? "" : " class=\"" + style + "\"");
}

std::string legend_html(const std::string& figure, const std::vector<LegendEntry>& legend) {
  if (legend.empty()) return "";
  std::string html = "<ul class=\"legend\">";
  int place = 0;
  for (const LegendEntry& entry : legend) {
    Svg sample(figure + "-legend-" + std::to_string(place++), 14, 14, "", "");
    if (entry.shape < 0) {
      sample.rectangle(0, 1, 14, 12, entry.style);
      if (entry.style.find("assumed") != std::string::npos) sample.hatched(0, 1, 14, 12);
    } else {
      sample.marker(entry.shape, 7, 7, 5, entry.style);
    }
    html += "<li>" + sample.sample() + escaped(entry.name) + "</li>";
  }
  return html + "</ul>\n";
}

std::string folded(const std::string& title, const std::string& html) {
  return "<details><summary>" + escaped(title) + "</summary>\n" + html + "</details>\n";
}

std::string figure_html(const Figure& figure) {
  std::string html = fmt::format("<section class=\"figure{}\" id=\"figure-{}\">\n",
                                 figure.wide ? " wide" : "", figure.id);
  html += "<h2>" + escaped(figure.title) + "</h2>\n<p class=\"sentence\">" +
          escaped(figure.sentence) + "</p>\n";
  html += legend_html(figure.id, figure.legend);
  if (!figure.picture.empty()) html += "<div class=\"picture\">\n" + figure.picture + "</div>\n";
  for (const std::string& note : figure.notes)
    html += "<p class=\"note\">" + escaped(note) + "</p>\n";
  if (!figure.table.rows.empty()) html += folded(figure.table_title, to_html(figure.table));
  if (!figure.sources.rows.empty()) html += folded("Sources and quality", to_html(figure.sources));
  return html + "</section>\n";
}

std::string card_html(const Card& card) {
  return fmt::format(
      "<div class=\"card{}\"><div class=\"value\">{}</div><div class=\"name\">{}</div>"
      "<div class=\"more\">{}</div></div>\n",
      card.warning ? " warning" : "", escaped(card.value), escaped(card.name), escaped(card.more));
}

std::string header_html(const Page& page) {
  std::string html = "<header>\n<p class=\"brand\">corank</p>\n<h1>" + escaped(page.title) +
                     "</h1>\n<p class=\"question\">" + escaped(page.question) + "</p>\n";
  if (!page.subtitle.empty()) html += "<p class=\"subtitle\">" + escaped(page.subtitle) + "</p>\n";
  if (!page.verdict.empty())
    html += fmt::format("<p class=\"verdict {}\">{}</p>\n", page.good ? "good" : "bad",
                        escaped(page.verdict));
  html += "</header>\n<div class=\"cards\">\n";
  for (const Card& card : page.cards) html += card_html(card);
  html += "</div>\n";
  for (const std::string& note : page.notes)
    html += "<p class=\"note\">" + escaped(note) + "</p>\n";
  return html;
}

}  // namespace

std::string to_html(const PageTable& table) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& head : table.head) html += cell("th", head);
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += cell(i == 0 ? "th" : "td", row[i],
                   table.commands && i + 1 == row.size() ? "command" : "");
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string to_html(const Page& page) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", kPolicy);
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  html += "<title>" + escaped(page.title) + " - corank</title>\n";
  html += std::string("<style>\n") + kPageStyle + "</style>\n</head>\n<body>\n<main>\n";
  html += header_html(page) + "<div class=\"figures\">\n";
  for (const Figure& figure : page.figures) html += figure_html(figure);
  html +=
      "</div>\n<footer>Made by corank. Colours: Okabe and Ito, Color Universal Design (2008); "
      "hatched figures rest on an assumption.</footer>\n</main>\n";
  if (page.data)
    html += "<script type=\"application/json\" id=\"data\">" + json_for_script(*page.data) +
            "</script>\n";
  html += std::string("<script>\n'use strict';\n") + kPageScript;
  for (const std::string& script : page.scripts) html += script;
  return html + "</script>\n</body>\n</html>\n";
}

}  // namespace corank
