#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspector/statements/log_entry.hpp"
#include "inspector/statements/log_line_prefix.hpp"

namespace palloscope {

// Reads log_destination = stderr line by line. A message's further lines begin with a tab; its
// details, its context and the statement that it came from have prefixes of their own and follow at
// once (elog.c, send_message_to_server_log), so that an entry is complete with the next one's first
// line, or with one that is none of the server's.
class LogText {
  public:
    // One of these fits.
    explicit LogText(std::vector<LogLinePrefix> prefixes) : prefixes_(std::move(prefixes)) {}

    [[nodiscard]] LogLine take(std::string_view line);

    // The last entry, where no more of it comes.
    [[nodiscard]] LogLine flush();

  private:
    // What a line that begins with a tab goes on with.
    enum class Within { kNothing, kMessage, kStatement, kOther };

    [[nodiscard]] std::optional<LogLinePrefix::Match> match(std::string_view line);
    [[nodiscard]] LogLine go_on(std::string_view line);
    void begin(const LogLinePrefix::Match& match);

    std::vector<LogLinePrefix> prefixes_;
    std::size_t last_fit_ = 0;
    std::optional<LogEntry> entry_;
    Within within_ = Within::kNothing;
    // log_error_verbosity = verbose: a message begins with its SQLSTATE.
    bool verbose_ = false;
};

}  // namespace palloscope
