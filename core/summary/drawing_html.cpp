#include <array>
#include <cctype>
#include <cstdio>

#include "core/model/byte_level.h"
#include "core/summary/drawing.h"
#include "core/summary/letters.h"

namespace caldera {

namespace {

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value);
    return text.data();
}

std::string color(Ink ink) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "#%02x%02x%02x", ink.red, ink.green, ink.blue);
    return text.data();
}

/// File names may hold any bytes; a page is UTF-8 without control characters.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : validUtf8(text)) {
        if (std::iscntrl(static_cast<unsigned char>(c)) != 0) {
            result += ' ';
            continue;
        }
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

std::string element(const FilledBox& box) {
    return "<rect x=\"" + number(box.corner.x) + "\" y=\"" + number(box.corner.y) + "\" width=\"" +
           number(box.width) + "\" height=\"" + number(box.height) + "\" fill=\"" + color(box.ink) +
           "\"/>\n";
}

std::string element(const Line& line) {
    std::string points;
    for (const Point& point : line.points) {
        points += (points.empty() ? "" : " ") + number(point.x) + "," + number(point.y);
    }
    return "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"" + color(line.ink) +
           "\" stroke-width=\"" + number(line.width) + "\"/>\n";
}

std::string element(const Words& words) {
    const char* look = words.font == Font::Mono   ? " class=\"mono\""
                       : words.font == Font::Bold ? " font-weight=\"bold\""
                                                  : "";
    // Figures keep their places whatever font the reader has.
    const std::string length = words.font == Font::Mono && !words.text.empty()
                                   ? " textLength=\"" +
                                         number(kMonoWidth * words.size *
                                                static_cast<double>(lettersOf(words.text).size())) +
                                         "\""
                                   : "";
    return "<text x=\"" + number(words.base.x) + "\" y=\"" + number(words.base.y) +
           "\" font-size=\"" + number(words.size) + "\" fill=\"" + color(words.ink) + "\"" + look +
           length + ">" + escaped(words.text) + "</text>\n";
}

} // namespace

Words rightAligned(Point right, double size, Ink ink, const std::string& text) {
    const double width = kMonoWidth * size * static_cast<double>(lettersOf(text).size());
    return {{right.x - width, right.y}, size, Font::Mono, ink, text};
}

std::string toHtml(const Drawing& page, const std::string& title) {
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<title>" +
                       escaped(title) +
                       "</title>\n<style>\n"
                       "body { margin: 0; background: #f6f7f9; }\n"
                       "svg { display: block; max-width: 1000px; width: 100%; margin: 0 auto; "
                       "background: #ffffff; font-family: Helvetica, Arial, sans-serif; }\n"
                       ".mono { font-family: 'JetBrains Mono', Courier, monospace; }\n"
                       "text { white-space: pre; }\n"
                       "@page { size: A4; margin: 0; }\n"
                       "</style>\n</head>\n<body>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
                       "viewBox=\"0 0 " +
                       number(page.width) + " " + number(page.height) +
                       "\" role=\"document\" aria-label=\"" + escaped(title) + "\">\n";
    for (const Shape& shape : page.shapes) {
        html += std::visit([](const auto& one) { return element(one); }, shape);
    }
    return html + "</svg>\n</body>\n</html>\n";
}

} // namespace caldera
