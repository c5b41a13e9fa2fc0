#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace palloscope {

// One message of a server's log, as far as statements need it. It holds literals: for masking at
// once, never for keeping. Details and contexts, which hold values of parameters, are left out.
struct LogEntry {
    std::string time;  // as it was written (LogClock)
    int pid = 0;
    std::string severity;   // "LOG", "ERROR", …
    std::string sql_state;  // empty where the log does not tell it
    std::string message;
    std::string statement;  // that an error came from
};

// What became of a line of a log.
struct LogLine {
    // Complete now; of the text format that is the entry before the line's own.
    std::optional<LogEntry> entry;
    // It is no part of a log in this format.
    bool skipped = false;
    // Nor are so many lines just before it, which might have been.
    std::int64_t skipped_before = 0;
};

}  // namespace palloscope
