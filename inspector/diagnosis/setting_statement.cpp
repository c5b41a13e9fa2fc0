#include "inspector/diagnosis/setting_statement.hpp"

#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

bool adds_setting(std::string_view query) {
    if (mentions(query, "SET_CONFIG")) {
        return true;
    }
    if (next_word(query) != "SET") {
        return false;
    }
    const std::string word = next_word(query);
    if (word == "SESSION" || word == "LOCAL") {
        (void)next_word(query);
    }
    // Where names are generated, a statement is a family: the rest of its name has the "*".
    const std::string_view rest_of_name = query.substr(0, query.find_first_of(" ="));
    return rest_of_name.find('*') != std::string_view::npos;
}

std::string remedy_for_settings() {
    return "Use few names for settings, and other values: SET app.token, not SET app.token_1, "
           "app.token_2 and so on. A custom setting keeps its place until the session ends: RESET, "
           "DISCARD ALL and the end of a transaction after SET LOCAL free its value, not its name.";
}

}  // namespace palloscope
