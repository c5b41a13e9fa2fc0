#include "inspector/report/text_style.hpp"

#include <fmt/format.h>

namespace palloscope {

namespace {

// Select Graphic Rendition (ECMA-48): attributes and the eight basic colours, which follow the
// terminal's own theme.
std::string_view escape_of(Paint paint) {
    switch (paint) {
        case Paint::kStrong:
            return "\x1b[1m";
        case Paint::kFaint:
            return "\x1b[2m";
        case Paint::kGrew:
            return "\x1b[31m";
        case Paint::kShrank:
            return "\x1b[32m";
        case Paint::kNumber:
            return "\x1b[36m";
    }
    return "";
}

}  // namespace

std::string painted(const TextStyle& style, Paint paint, std::string_view text) {
    if (!style.color || text.empty()) {
        return std::string(text);
    }
    return fmt::format("{}{}\x1b[0m", escape_of(paint), text);
}

}  // namespace palloscope
