#include "inspector/diagnosis/query_word.hpp"

#include <algorithm>
#include <cctype>

namespace palloscope {

std::string next_word(std::string_view& query) {
    const auto is_word = [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
    };
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

}  // namespace palloscope
