// A picture as SVG text. Colours are classes of the page's style, so that light, dark and printed
// pages have their own.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace corank {

/// A number of a picture: at most two decimals, no zeros behind them.
std::string svg_number(double value);

enum class Anchor { kStart, kMiddle, kEnd };

/// What tells series apart beside their colour.
inline constexpr int kMarkerShapes = 6;

class Svg {
 public:
  /// `id`: of the picture in its page, letters and hyphens. Title and description are what those
  /// read who do not see it.
  Svg(std::string id, double width, double height, const std::string& title,
      const std::string& description);

  // Places and sizes in the picture's units; `style`: classes; `tip`: shown on top of it.
  void rectangle(double x, double y, double width, double height, const std::string& style,
                 const std::string& tip = "");
  /// The same with hatching over it: its figure is assumed.
  void hatched(double x, double y, double width, double height);
  void line(double x1, double y1, double x2, double y2, const std::string& style);
  void polyline(const std::vector<std::pair<double, double>>& points, const std::string& style);
  void polygon(const std::vector<std::pair<double, double>>& points, const std::string& style,
               const std::string& tip = "");
  /// Shapes: circle, square, triangle, diamond, triangle on its tip, cross; of about the same area
  /// as a circle of this radius.
  void marker(int shape, double x, double y, double radius, const std::string& style,
              const std::string& tip = "");
  void text(double x, double y, const std::string& text, const std::string& style,
            Anchor anchor = Anchor::kStart);
  /// Along a vertical axis, read from below.
  void vertical_text(double x, double y, const std::string& text, const std::string& style);

  /// Of the whole picture.
  std::string str() const;
  /// The same without title and description: a part of something that says what it is.
  std::string sample() const;

 private:
  void close(const std::string& tag, const std::string& tip);
  std::string definitions() const;

  std::string id_, box_, head_, body_;
  bool has_hatching_ = false;
};

/// About what a text is wide in the pages' typeface.
double text_width(const std::string& text, double size = 12);

}  // namespace corank
