#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/statements/followed_file.hpp"
#include "inspector/statements/log_clock.hpp"
#include "inspector/statements/log_csv.hpp"
#include "inspector/statements/log_executions.hpp"
#include "inspector/statements/log_json.hpp"
#include "inspector/statements/log_text.hpp"

namespace palloscope {

struct ServerLogOptions {
    // log_line_prefix of a log in stderr's format; none: LogLinePrefix::well_known().
    std::optional<std::string> line_prefix;
    FollowedFile::Start start = FollowedFile::Start::kEnd;
    // Unix time in nanoseconds.
    std::function<std::int64_t()> now = unix_time_ns;
};

// Reads the statements in a server's log while it is being written (FollowedFile, LogExecutions).
// A path that ends in ".csv" is a csvlog, in ".json" a jsonlog (logfile_getname of syslogger.c
// names them so), any other is in stderr's format. What is not understood is skipped and counted,
// and so is what was not logged within five minutes of now: another machine's log, or a clock that
// is wrong, would put statements beside snapshots that they have nothing to do with.
//
//     Result<ServerLogReader> log = ServerLogReader::open("/var/log/postgresql/*.csv", {});
//     do { batch = log->poll(); store(*batch); } while (batch && !batch->empty());
class ServerLogReader {
  public:
    // Fails (kUsage) where the prefix cannot serve or is not that of the lines that are there, and
    // where the file cannot be read. No file is no failure: it is waited for.
    [[nodiscard]] static Result<ServerLogReader> open(std::string path, ServerLogOptions options);

    // The executions that came since the last call, some thousands at most: there may be more
    // unless it is empty. Fails where the file cannot be read; one that came later, and cannot be
    // opened, is no failure but a note.
    [[nodiscard]] Result<std::vector<Execution>> poll();

    // What there is to tell of a backend that is looked at no longer; to be called once poll() gave
    // nothing. May hold executions of others.
    [[nodiscard]] std::vector<Execution> finish(int pid);

    // What the reader of a report must know. Complete once the last poll() gave nothing.
    [[nodiscard]] std::vector<std::string> notes() const;

  private:
    using Decoder = std::variant<LogText, LogCsv, LogJson>;

    ServerLogReader(FollowedFile file, Decoder decoder, ServerLogOptions options);

    [[nodiscard]] Result<> check_lines() const;
    void take_line(const FollowedFile::Line& line, std::vector<Execution>& executions);
    // `line` is that of `taken`; what is left at the end is of the one behind it.
    void take_decoded(const LogLine& taken, std::int64_t line, std::vector<Execution>& executions);
    void take_entry(const LogEntry& entry, std::vector<Execution>& executions);
    void take_last_entry(std::vector<Execution>& executions);

    FollowedFile file_;
    Decoder decoder_;
    ServerLogOptions options_;
    LogClock clock_;
    LogExecutions executions_;
    std::int64_t line_ = 0;
    // When the file was last seen to grow.
    std::int64_t grew_at_ns_ = 0;
    std::int64_t last_logged_ns_ = 0;
    std::int64_t entries_ = 0;
    bool whole_seconds_ = false;
    FollowedFile::Count skipped_;
    FollowedFile::Count timeless_;
    FollowedFile::Count other_time_;
    FollowedFile::Count backwards_;
};

}  // namespace palloscope
