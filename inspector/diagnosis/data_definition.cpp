#include "inspector/diagnosis/data_definition.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace palloscope {

namespace {

// Takes the first word off `text`, in upper case.
std::string next_word(std::string_view& text) {
    const auto is_word = [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
    };
    const auto* const begin = std::ranges::find_if_not(text, [](char character) {
        return std::isspace(static_cast<unsigned char>(character)) != 0;
    });
    const auto* const end = std::find_if_not(begin, text.end(), is_word);
    std::string word(begin, end);
    std::ranges::transform(word, word.begin(), [](char character) {
        return static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
    });
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    return word;
}

std::optional<DefinitionVerb> verb_of(std::string_view word) {
    if (word == "CREATE") {
        return DefinitionVerb::kCreate;
    }
    if (word == "ALTER") {
        return DefinitionVerb::kAlter;
    }
    if (word == "DROP") {
        return DefinitionVerb::kDrop;
    }
    return std::nullopt;
}

// Words that may stand between the verb and the object (gram.y, OptTemp and others).
bool is_filler(std::string_view word) {
    constexpr std::array<std::string_view, 12> kFillers{"OR",
                                                        "REPLACE",
                                                        "GLOBAL",
                                                        "LOCAL",
                                                        "TEMP",
                                                        "TEMPORARY",
                                                        "UNLOGGED",
                                                        "UNIQUE",
                                                        "FOREIGN",
                                                        "CONSTRAINT",
                                                        "RECURSIVE",
                                                        "MATERIALIZED"};
    return std::ranges::find(kFillers, word) != kFillers.end();
}

}  // namespace

std::optional<DataDefinition> data_definition(std::string_view query) {
    const std::optional<DefinitionVerb> verb = verb_of(next_word(query));
    if (!verb) {
        return std::nullopt;
    }
    DataDefinition definition{.verb = *verb};
    definition.object = next_word(query);
    while (is_filler(definition.object)) {
        definition.temporary = definition.temporary || definition.object.starts_with("TEMP");
        definition.object = next_word(query);
    }
    if (definition.object.empty() || definition.object == "SYSTEM") {
        return std::nullopt;
    }
    return definition;
}

}  // namespace palloscope
