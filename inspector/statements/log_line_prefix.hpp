#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"

namespace palloscope {

// The setting log_line_prefix, and the way back from a line of the log to what stood in it. Escapes
// of elog.c (log_line_prefix) up to PostgreSQL 18, with or without padding.
class LogLinePrefix {
  public:
    // Views into the line.
    struct Match {
        std::string_view time;
        int pid = 0;
        std::string_view sql_state;  // empty where the prefix does not tell it
        std::string_view label;      // "LOG", "ERROR", "STATEMENT", …
        std::string_view text;       // behind the label
    };

    // Fails (kUsage) where the prefix tells no PID (%p) or no time (%m, %t or %n), or has an escape
    // that no server knows.
    [[nodiscard]] static Result<LogLinePrefix> parse(std::string_view setting);

    // Those that servers have by default and that are much recommended, PostgreSQL's own first.
    [[nodiscard]] static const std::vector<LogLinePrefix>& well_known();

    // None where the line does not begin with this prefix and a label of the server's in English.
    [[nodiscard]] std::optional<Match> match(std::string_view line) const;

  private:
    struct Element {
        char escape = 0;  // 0: literal
        bool padded = false;
        std::string literal;
    };

    class Matcher;

    std::vector<Element> elements_;
};

}  // namespace palloscope
