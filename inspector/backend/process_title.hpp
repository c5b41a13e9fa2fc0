#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// What a server's process says of itself in its title (src/backend/utils/misc/ps_status.c):
// "postgres: app orders 10.1.2.3(5432) idle in transaction", "postgres: main: walwriter",
// "postgres: checkpointer process" (10).
struct ProcessTitle {
    // As pg_stat_activity.backend_type names it: "client backend", "walwriter", …
    std::string backend_type;
    // Words between type and activity; a user or database name with spaces cannot be told apart
    // here.
    std::optional<std::string> user;
    std::optional<std::string> database;
    // As pg_stat_activity.state; none where the title does not tell.
    std::optional<std::string> state;
};

// None where the text is no title of a child of the postmaster (the postmaster's own is its command
// line).
[[nodiscard]] std::optional<ProcessTitle> parse_process_title(std::string_view title);

}  // namespace palloscope
