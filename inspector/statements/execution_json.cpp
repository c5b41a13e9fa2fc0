#include "inspector/statements/execution_json.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "inspector/statements/form.hpp"

namespace palloscope {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kSqlStateLength = 5;

const json* field(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

std::optional<std::int64_t> integer(const json* value) {
    if (value == nullptr || !value->is_number_integer() ||
        (value->is_number_unsigned() &&
         value->get<std::uint64_t>() >
             static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))) {
        return std::nullopt;
    }
    return value->get<std::int64_t>();
}

std::optional<std::string> text(const json* value, std::size_t max_size) {
    if (value == nullptr || !value->is_string() ||
        value->get_ref<const std::string&>().size() > max_size) {
        return std::nullopt;
    }
    return value->get<std::string>();
}

bool is_null(const json* value) {
    return value == nullptr || value->is_null();
}

}  // namespace

bool is_sql_state(std::string_view text) {
    return text.size() == kSqlStateLength && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

std::optional<Execution> execution_from(const json& object) {
    if (!object.is_object()) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> seq = integer(field(object, "seq"));
    const std::optional<std::int64_t> pid = integer(field(object, "backend_pid"));
    const std::optional<std::string> session = text(field(object, "session"), kMaxName);
    const std::optional<std::string> step = text(field(object, "step"), kMaxName);
    const std::optional<std::string> query = text(field(object, "query"), kMaxJournalLine);
    const std::optional<std::int64_t> started = integer(field(object, "started_at_ns"));
    const std::optional<std::int64_t> ended = integer(field(object, "ended_at_ns"));
    if (!seq || !pid || *pid < 1 || *pid > std::numeric_limits<int>::max() || !session || !step ||
        !query || !started || !ended || *started < 0 || *ended < *started) {
        return std::nullopt;
    }
    Execution execution{.seq = *seq,
                        .backend_pid = static_cast<int>(*pid),
                        .session = *session,
                        .step = *step,
                        .form = statement_form(*query),
                        .started_at_ns = *started,
                        .ended_at_ns = *ended};
    // A statement that failed has no rows.
    if (const json* rows = field(object, "rows"); !is_null(rows)) {
        const std::optional<std::int64_t> count = integer(rows);
        if (!count) {
            return std::nullopt;
        }
        execution.rows = *count;
    }
    if (const json* error = field(object, "error"); !is_null(error)) {
        execution.error = text(error, kSqlStateLength);
        if (!execution.error || !is_sql_state(*execution.error)) {
            return std::nullopt;
        }
    }
    return execution;
}

std::optional<Execution> execution_from_line(std::string_view line) {
    return execution_from(json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false));
}

}  // namespace palloscope
