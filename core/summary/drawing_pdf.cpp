#include <array>
#include <cstdio>

#include "core/summary/drawing.h"
#include "core/summary/letters.h"

namespace caldera {

namespace {

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value);
    return text.data();
}

std::string color(Ink ink, const char* command) {
    const auto part = [](uint8_t value) {
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%.3f ", value / 255.0);
        return std::string(text.data());
    };
    return part(ink.red) + part(ink.green) + part(ink.blue) + command + "\n";
}

/// The character of Windows-1252 for a code point; '?' where it has none.
char inWindows1252(char32_t letter) {
    if (letter < 0x80 || (letter >= 0xA0 && letter <= 0xFF)) {
        return static_cast<char>(letter);
    }
    switch (letter) {
    case 0x2013: // en dash
        return '\x96';
    case 0x2014:
        return '\x97';
    case 0x2018:
        return '\x91';
    case 0x2019:
        return '\x92';
    case 0x201C:
        return '\x93';
    case 0x201D:
        return '\x94';
    case 0x2026: // ellipsis
        return '\x85';
    case 0x2009: // thin space
    case 0x202F:
        return ' ';
    case 0x20AC:
        return '\x80';
    default:
        return '?';
    }
}

/// A PDF string: parentheses and backslashes are escaped, control characters become spaces.
std::string literal(const std::string& text) {
    std::string result = "(";
    for (const char32_t letter : lettersOf(text)) {
        const char c = inWindows1252(letter);
        if (c == '(' || c == ')' || c == '\\') {
            result += '\\';
        }
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return result + ")";
}

/// Writes the page's marks; PDF measures from the lower left corner.
class Content {
public:
    explicit Content(double height) : height_(height) {}

    void operator()(const FilledBox& box) {
        text_ += color(box.ink, "rg") + number(box.corner.x) + " " +
                 number(height_ - box.corner.y - box.height) + " " + number(box.width) + " " +
                 number(box.height) + " re f\n";
    }
    void operator()(const Line& line) {
        text_ += color(line.ink, "RG") + number(line.width) + " w 1 j 1 J\n";
        const char* command = " m\n";
        for (const Point& point : line.points) {
            text_ += place(point) + command;
            command = " l\n";
        }
        text_ += "S\n";
    }
    void operator()(const Words& words) {
        const char* font = words.font == Font::Mono ? "/M" : words.font == Font::Bold ? "/B" : "/P";
        text_ += color(words.ink, "rg") + "BT " + font + " " + number(words.size) + " Tf " +
                 place(words.base) + " Td " + literal(words.text) + " Tj ET\n";
    }
    const std::string& text() const { return text_; }

private:
    std::string place(const Point& point) const {
        return number(point.x) + " " + number(height_ - point.y);
    }
    double height_;
    std::string text_;
};

/// Numbered objects, and the table of where they begin.
class PdfFile {
public:
    void add(const std::string& object) {
        offsets_.push_back(bytes_.size());
        bytes_ += std::to_string(offsets_.size()) + " 0 obj\n" + object + "\nendobj\n";
    }
    std::string finish(size_t root, size_t information) {
        const size_t table = bytes_.size();
        const std::string count = std::to_string(offsets_.size() + 1);
        bytes_ += "xref\n0 " + count + "\n0000000000 65535 f \n";
        for (const size_t offset : offsets_) {
            std::array<char, 24> entry{};
            std::snprintf(entry.data(), entry.size(), "%010zu 00000 n \n", offset);
            bytes_ += entry.data();
        }
        bytes_ += "trailer\n<< /Size " + count + " /Root " + std::to_string(root) + " 0 R /Info " +
                  std::to_string(information) + " 0 R >>\nstartxref\n" + std::to_string(table) +
                  "\n%%EOF\n";
        return std::move(bytes_);
    }

private:
    std::string bytes_ = "%PDF-1.4\n%\xE2\xE3\xCF\xD3\n"; // the second line says: not only text
    std::vector<size_t> offsets_;
};

std::string standardFont(const char* name) {
    return std::string("<< /Type /Font /Subtype /Type1 /BaseFont /") + name +
           " /Encoding /WinAnsiEncoding >>";
}

} // namespace

std::string toPdf(const Drawing& page, const std::string& title) {
    Content content(page.height);
    for (const Shape& shape : page.shapes) {
        std::visit(content, shape);
    }
    PdfFile file;
    file.add("<< /Type /Catalog /Pages 2 0 R >>");
    file.add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    file.add("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 " + number(page.width) + " " +
             number(page.height) +
             "] /Contents 4 0 R /Resources << /Font << /P 5 0 R /B 6 0 R /M 7 0 R >> >> >>");
    file.add("<< /Length " + std::to_string(content.text().size()) + " >>\nstream\n" +
             content.text() + "endstream");
    file.add(standardFont("Helvetica"));
    file.add(standardFont("Helvetica-Bold"));
    file.add(standardFont("Courier"));
    file.add("<< /Title " + literal(title) + " /Producer (Caldera) >>");
    return file.finish(1, 8);
}

} // namespace caldera
