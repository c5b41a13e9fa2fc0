#include "inspector/statements/leading_keywords.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "inspector/statements/token.hpp"

namespace palloscope {

namespace {

// Enough for CREATE MATERIALIZED VIEW IF NOT EXISTS; a bound for texts of a million keywords.
constexpr int kMaxKeywords = 8;
// The longest keyword of PostgreSQL, CURRENT_TIMESTAMP, has 17 letters.
constexpr std::size_t kLongestKeyword = 32;

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The length of the comment that `text` begins with, comments inside comments counted as the server
// does; none where it has no end.
std::optional<std::size_t> block_comment_length(std::string_view text) {
    int depth = 0;
    for (std::size_t at = 0; at + 1 < text.size();) {
        const std::string_view pair = text.substr(at, 2);
        if (pair == "/*") {
            ++depth;
            at += 2;
        } else if (pair == "*/") {
            --depth;
            at += 2;
            if (depth == 0) {
                return at;
            }
        } else {
            ++at;
        }
    }
    return std::nullopt;
}

// Without white space and comments in front; empty where a comment has no end.
std::string_view skip_space(std::string_view text) {
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size()));
        if (text.starts_with("--")) {
            text.remove_prefix(std::min(text.find_first_of("\n\r"), text.size()));
        } else if (text.starts_with("/*")) {
            text.remove_prefix(block_comment_length(text).value_or(text.size()));
        } else {
            return text;
        }
    }
}

}  // namespace

std::string leading_keywords(std::string_view sql) {
    std::string keywords;
    std::string_view rest = skip_space(sql);
    for (int shown = 0; shown < kMaxKeywords; ++shown, rest = skip_space(rest)) {
        const auto length =
            static_cast<std::size_t>(std::ranges::find_if_not(rest, is_word_byte) - rest.begin());
        const std::string_view word = rest.substr(0, length);
        rest.remove_prefix(length);
        // A keyword ends at white space: `b'1`, `e$x$` and the like begin a literal or a name.
        const bool ends = rest.empty() || skip_space(rest).size() < rest.size();
        if (word.empty() || word.size() > kLongestKeyword || !ends || !is_keyword(word)) {
            break;
        }
        keywords += keywords.empty() ? "" : " ";
        keywords += word;
    }
    return keywords;
}

}  // namespace palloscope
