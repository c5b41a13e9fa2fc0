#include "inspector/statements/form_cache.hpp"

#include <cstddef>

#include "inspector/statements/form.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kMostForms = 4'096;
constexpr std::size_t kLongestKeptText = 4'096;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// What a digit may be one token with, in which it must stay as it is: of a name or another kind of
// number.
bool joins_digits(char c) {
    const auto byte = static_cast<unsigned char>(c);
    const auto lower_case = static_cast<unsigned char>(byte | 0x20U);
    return is_digit(c) || (lower_case >= 'a' && lower_case <= 'z') || c == '_' || c == '.' ||
           byte >= 0x80U;
}

// The text with 0 for each number that stands alone: in a literal, a comment or as one (scan.l), it
// leaves no trace in the form. Where it may be part of something else (an escape, a quoted name, a
// parameter, a dollar quote, the escapes of U&'…') the text stays as it is.
void write_key(std::string_view sql, std::string& key) {
    key.clear();
    if (sql.find_first_of("\\\"$&") != std::string_view::npos) {
        key = sql;
        return;
    }
    for (std::size_t at = 0; at < sql.size();) {
        std::size_t end = at + 1;
        if (!is_digit(sql[at])) {
            key += sql[at];
            at = end;
            continue;
        }
        while (end < sql.size() && is_digit(sql[end])) {
            ++end;
        }
        const bool alone = (at == 0 || !joins_digits(sql[at - 1])) &&
                           (end == sql.size() || !joins_digits(sql[end]));
        key += alone ? "0" : sql.substr(at, end - at);
        at = end;
    }
}

}  // namespace

const StatementForm& FormCache::form_of(std::string_view sql) {
    if (sql.size() > kLongestKeptText) {
        return long_form_ = statement_form(sql);
    }
    write_key(sql, key_);
    const auto found = forms_.find(key_);
    if (found != forms_.end()) {
        return found->second;
    }
    if (forms_.size() >= kMostForms) {
        forms_.clear();
    }
    return forms_.emplace(key_, statement_form(sql)).first->second;
}

}  // namespace palloscope
