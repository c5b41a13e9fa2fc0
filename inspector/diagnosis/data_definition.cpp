#include "inspector/diagnosis/data_definition.hpp"

#include <algorithm>
#include <array>

#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

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
