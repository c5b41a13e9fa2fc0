#include "inspector/diagnosis/setting_statement.hpp"

#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

bool is_setting(std::string_view query) {
    if (mentions(query, "SET_CONFIG")) {
        return true;
    }
    if (next_word(query) != "SET") {
        return false;
    }
    const std::string what = next_word(query);
    return what != "LOCAL" && what != "TRANSACTION" && what != "CONSTRAINTS";
}

std::string remedy_for_settings() {
    return "Use few names for settings, and other values: SET app.token, not SET app.token_1, "
           "app.token_2 and so on; or SET LOCAL. A custom setting keeps its place until the "
           "session "
           "ends: RESET and DISCARD ALL free its value, not its name.";
}

}  // namespace palloscope
