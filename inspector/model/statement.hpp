#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// A statement as we know it: never its literals (contract.md, "Statements").
struct StatementForm {
    // Every literal replaced by $n, comments dropped, white space folded.
    std::string text;
    // 16 hexadecimal digits, equal exactly where `text` is equal.
    std::string fingerprint;
    // `text` with the generated parts of identifiers as '*': "CREATE SCHEMA policy_loader_*".
    std::string family;

    bool operator==(const StatementForm&) const = default;
};

// How an execution was seen that no source told, but looks at the backend now and then, and that
// they might have missed: it began between two looks and was still the backend's last one at the
// second.
struct Sighting {
    std::int64_t after_ns = 0;  // from its beginning to the second look
    std::int64_t gap_ns = 0;    // from look to look

    bool operator==(const Sighting&) const = default;
};

// In place of an error's SQLSTATE where the source of statements does not tell it.
inline constexpr std::string_view kUnknownSqlState = "?????";

// Whether an error of this SQLSTATE says that there is no table, function, type or schema of a name
// (errcodes.txt): look-ups whose answer the catalog caches remember, also where it is that there is
// none.
[[nodiscard]] constexpr bool is_of_no_such_name(std::string_view sql_state) {
    constexpr std::array<std::string_view, 4> kNoSuchName{"42P01",   // undefined_table
                                                          "42883",   // undefined_function
                                                          "42704",   // undefined_object
                                                          "3F000"};  // invalid_schema_name
    return std::ranges::find(kNoSuchName, sql_state) != kNoSuchName.end();
}

// One execution of a statement, as a source of statements (the driver's journal, a log) tells it.
struct Execution {
    std::int64_t seq = 0;
    int backend_pid = 0;
    // As the client calls its session, which may connect again; empty where nothing names one.
    std::string session;
    // A path within the workload such as "load-policy/create-schema"; empty where unknown.
    std::string step;
    StatementForm form;
    // Unix time.
    std::int64_t started_at_ns = 0;
    std::int64_t ended_at_ns = 0;
    std::int64_t rows = 0;  // 0 where unknown
    // SQLSTATE, or kUnknownSqlState.
    std::optional<std::string> error;
    std::optional<Sighting> sighting;
    // When the transaction block began that it was seen in (Unix time).
    std::optional<std::int64_t> transaction_began_at_ns;

    bool operator==(const Execution&) const = default;
};

}  // namespace palloscope
