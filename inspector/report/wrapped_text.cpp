#include "inspector/report/wrapped_text.hpp"

#include <algorithm>
#include <cstddef>

#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
        text.replace(at, from.size(), to);
        at += to.size();
    }
}

}  // namespace

std::string wrapped_text(std::string_view text,
                         std::string_view first,
                         int columns,
                         const TextStyle& style) {
    std::string source(text);
    if (style.ascii) {
        replace_all(source, "…", "...");
        replace_all(source, "×", "x");
    }
    const int indent = text_columns(first);
    const std::string blank(static_cast<std::size_t>(indent), ' ');
    std::string lines;
    std::string line(first);
    bool empty = true;
    std::string_view rest = source;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string word = cut_to_columns(rest.substr(0, end), columns - indent, style);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (word.empty()) {
            continue;
        }
        if (!empty && text_columns(line) + 1 + text_columns(word) > columns) {
            lines += line + '\n';
            line = blank;
            empty = true;
        }
        line += empty ? word : ' ' + word;
        empty = false;
    }
    return lines + line + '\n';
}

}  // namespace palloscope
