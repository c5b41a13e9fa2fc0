#include "inspector/statements/log_json.hpp"

#include <limits>
#include <string>

#include <nlohmann/json.hpp>

namespace palloscope {

namespace {

using nlohmann::json;

// Empty where there is none.
std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

LogLine LogJson::take(std::string_view line) {
    const json object = json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false);
    const auto pid = object.is_object() ? object.find("pid") : object.end();
    if (!object.is_object() || pid == object.end() || !pid->is_number_unsigned() ||
        pid->get<std::uint64_t>() > std::numeric_limits<int>::max() ||
        text_of(object, "timestamp").empty() || text_of(object, "error_severity").empty()) {
        return {.entry = {}, .skipped = true};
    }
    return {.entry = LogEntry{.time = text_of(object, "timestamp"),
                              .pid = pid->get<int>(),
                              .severity = text_of(object, "error_severity"),
                              .sql_state = text_of(object, "state_code"),
                              .message = text_of(object, "message"),
                              .statement = text_of(object, "statement")},
            .skipped = false};
}

}  // namespace palloscope
