// A page as a list of shapes, and what it becomes: HTML with one SVG, or PDF.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace caldera {

struct Ink {
    uint8_t red = 0;
    uint8_t green = 0;
    uint8_t blue = 0;
    bool operator==(const Ink&) const = default;
};

struct Point {
    double x = 0;
    double y = 0;
};

struct FilledBox {
    Point corner; ///< upper left
    double width = 0;
    double height = 0;
    Ink ink;
};

struct Line {
    std::vector<Point> points; ///< at least two
    double width = 1;
    Ink ink;
};

enum class Font { Plain, Bold, Mono };
/// Characters of Font::Mono are this wide, of its size: figures can be aligned exactly.
inline constexpr double kMonoWidth = 0.6;

struct Words {
    Point base; ///< left end of the base line
    double size = 9;
    Font font = Font::Plain;
    Ink ink;
    std::string text; ///< UTF-8
};

using Shape = std::variant<FilledBox, Line, Words>;

/// In points (1/72 inch), y downwards. Later shapes lie above earlier ones.
struct Drawing {
    double width = 595; ///< A4
    double height = 842;
    std::vector<Shape> shapes;
};

/// Mono text whose right end is at `right`.
Words rightAligned(Point right, double size, Ink ink, const std::string& text);

/// A file of its own: nothing is loaded from elsewhere, no script.
std::string toHtml(const Drawing& page, const std::string& title);
/// PDF 1.4 with the standard fonts. Letters that Windows-1252 lacks become "?".
std::string toPdf(const Drawing& page, const std::string& title);

} // namespace caldera
