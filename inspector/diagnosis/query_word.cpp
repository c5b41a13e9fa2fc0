#include "inspector/diagnosis/query_word.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace palloscope {

namespace {

bool is_word(char character) {
    return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
}

// Whether `text` ends in an identifier: not in a parameter, "$1".
bool ends_in_identifier(std::string_view text) {
    const auto word = std::ranges::find_if_not(text.rbegin(), text.rend(), is_word);
    return word != text.rbegin() && (word == text.rend() || *word != '$');
}

}  // namespace

std::string next_word(std::string_view& query) {
    const auto* const begin = std::ranges::find_if_not(query, [](char character) {
        return std::isspace(static_cast<unsigned char>(character)) != 0;
    });
    const auto* const end = std::find_if_not(begin, query.end(), is_word);
    std::string word(begin, end);
    std::ranges::transform(word, word.begin(), [](char character) {
        return static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
    });
    query.remove_prefix(static_cast<std::size_t>(end - query.begin()));
    return word;
}

bool mentions(std::string_view query, std::string_view words) {
    const auto is_same = [](char of_query, char of_words) {
        return std::toupper(static_cast<unsigned char>(of_query)) == of_words;
    };
    return std::search(query.begin(), query.end(), words.begin(), words.end(), is_same) !=
           query.end();
}

bool has_generated_name(std::string_view query) {
    for (std::size_t at = query.find('*'); at != std::string_view::npos;
         at = query.find('*', at + 1)) {
        if (ends_in_identifier(query.substr(0, at))) {
            return true;
        }
    }
    return false;
}

}  // namespace palloscope
