#pragma once

#include <string_view>

#include "inspector/statements/log_entry.hpp"

namespace palloscope {

// Reads log_destination = jsonlog (PostgreSQL 15 and newer), an object a line. Fields: jsonlog.c of
// PostgreSQL 15, write_jsonlog.
class LogJson {
  public:
    [[nodiscard]] static LogLine take(std::string_view line);

    [[nodiscard]] static LogLine flush() { return {}; }
};

}  // namespace palloscope
