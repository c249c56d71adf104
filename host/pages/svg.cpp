#include "host/pages/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "host/pages/html.h"

namespace corank {
namespace {

const char* name_of(Anchor anchor) {
  switch (anchor) {
    case Anchor::kStart:
      return "start";
    case Anchor::kMiddle:
      return "middle";
    case Anchor::kEnd:
      return "end";
  }
  return "";  // not reached: every anchor stands above
}

std::string points_text(const std::vector<std::pair<double, double>>& points) {
  std::string text;
  for (const auto& [x, y] : points) {
    if (!text.empty()) text += ' ';
    text += svg_number(x) + "," + svg_number(y);
  }
  return text;
}

}  // namespace

std::string svg_number(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

double text_width(const std::string& text, double size) {
  std::size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return 0.62 * size * static_cast<double>(characters);
}

Svg::Svg(std::string id, double width, double height, const std::string& title,
         const std::string& description)
    : id_(std::move(id)),
      box_(fmt::format("viewBox=\"0 0 {} {}\"", svg_number(width), svg_number(height))) {
  head_ = fmt::format(
      "<svg id=\"{0}\" {1} role=\"img\" aria-labelledby=\"{0}-t {0}-d\" "
      "xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"{0}-t\">{2}</title>\n"
      "<desc id=\"{0}-d\">{3}</desc>\n",
      id_, box_, escaped(title), escaped(description));
}

void Svg::close(const std::string& tag, const std::string& tip) {
  body_ += tip.empty() ? "/>\n" : fmt::format("><title>{}</title></{}>\n", escaped(tip), tag);
}

void Svg::rectangle(double x, double y, double width, double height, const std::string& style,
                    const std::string& tip) {
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"",
                       svg_number(x), svg_number(y), svg_number(width), svg_number(height), style);
  close("rect", tip);
}

void Svg::hatched(double x, double y, double width, double height) {
  has_hatching_ = true;
  body_ += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{}-hatch)\" "
      "class=\"over\"/>\n",
      svg_number(x), svg_number(y), svg_number(width), svg_number(height), id_);
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string& style) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>\n",
                       svg_number(x1), svg_number(y1), svg_number(x2), svg_number(y2), style);
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, const std::string& style) {
  body_ += fmt::format("<polyline points=\"{}\" class=\"{}\"/>\n", points_text(points), style);
}

void Svg::polygon(const std::vector<std::pair<double, double>>& points, const std::string& style,
                  const std::string& tip) {
  body_ += fmt::format("<polygon points=\"{}\" class=\"{}\"", points_text(points), style);
  close("polygon", tip);
}

void Svg::marker(int shape, double x, double y, double radius, const std::string& style,
                 const std::string& tip) {
  const double r = radius;
  switch (shape % kMarkerShapes) {
    case 1:
      return rectangle(x - 0.89 * r, y - 0.89 * r, 1.78 * r, 1.78 * r, style, tip);
    case 2:
      return polygon({{x, y - 1.4 * r}, {x + 1.25 * r, y + 0.8 * r}, {x - 1.25 * r, y + 0.8 * r}},
                     style, tip);
    case 3:
      return polygon({{x, y - 1.3 * r}, {x + 1.3 * r, y}, {x, y + 1.3 * r}, {x - 1.3 * r, y}},
                     style, tip);
    case 4:
      return polygon({{x, y + 1.4 * r}, {x + 1.25 * r, y - 0.8 * r}, {x - 1.25 * r, y - 0.8 * r}},
                     style, tip);
    case 5: {
      const double a = 0.45 * r, b = 1.25 * r;
      return polygon({{x - a, y - b},
                      {x + a, y - b},
                      {x + a, y - a},
                      {x + b, y - a},
                      {x + b, y + a},
                      {x + a, y + a},
                      {x + a, y + b},
                      {x - a, y + b},
                      {x - a, y + a},
                      {x - b, y + a},
                      {x - b, y - a},
                      {x - a, y - a}},
                     style, tip);
    }
    default:
      body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{}\"", svg_number(x),
                           svg_number(y), svg_number(r), style);
      close("circle", tip);
  }
}

void Svg::text(double x, double y, const std::string& text, const std::string& style,
               Anchor anchor) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n",
                       svg_number(x), svg_number(y), style, name_of(anchor), escaped(text));
}

void Svg::vertical_text(double x, double y, const std::string& text, const std::string& style) {
  body_ += fmt::format(
      "<text transform=\"translate({} {}) rotate(-90)\" class=\"{}\" text-anchor=\"middle\">{}"
      "</text>\n",
      svg_number(x), svg_number(y), style, escaped(text));
}

std::string Svg::definitions() const {
  if (!has_hatching_) return "";
  return fmt::format(
      "<defs><pattern id=\"{}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" "
      "class=\"hatch\"/></pattern></defs>\n",
      id_);
}

std::string Svg::str() const { return head_ + definitions() + body_ + "</svg>\n"; }

std::string Svg::sample() const {
  return fmt::format("<svg {} aria-hidden=\"true\">", box_) + definitions() + body_ + "</svg>";
}

}  // namespace corank
