#include "inspector/statements/server_log.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fmt/format.h>

namespace palloscope {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// How far from now what is read may have been logged. Less than the quarter of an hour in which
// zones differ.
constexpr std::int64_t kFarFromNow = 5 * 60 * kSecond;
// Processes log side by side: lines a little out of order are none of a clock's.
constexpr std::int64_t kBackwards = kSecond;
// The server writes an entry at once; after this long without more, the last one is complete.
constexpr std::int64_t kQuiet = kSecond / 5;
// How much of a log that is there already is looked at.
constexpr std::int64_t kCheckedBytes = FollowedFile::kMaxLine;
// Where none of so many statements took less than so long, the shorter ones may not be logged.
constexpr std::int64_t kFewStatements = 20;
constexpr std::int64_t kLongForTheShortest = kSecond / 200;

Result<std::vector<LogLinePrefix>> prefixes_of(const ServerLogOptions& options) {
    if (!options.line_prefix) {
        return LogLinePrefix::well_known();
    }
    return LogLinePrefix::parse(*options.line_prefix).map([](LogLinePrefix prefix) {
        return std::vector<LogLinePrefix>{std::move(prefix)};
    });
}

std::string left_out_note(const std::vector<std::string>& reasons) {
    return fmt::format(
        "{}{}; what was logged there is missing",
        reasons.front(),
        reasons.size() == 1 ? "" : fmt::format(" (and {} more files)", reasons.size() - 1));
}

}  // namespace

Result<ServerLogReader> ServerLogReader::open(std::string path, ServerLogOptions options) {
    const bool csv = path.ends_with(".csv");
    const bool json = path.ends_with(".json");
    if (options.line_prefix && (csv || json)) {
        return failure(Error::Kind::kUsage,
                       fmt::format("--log-line-prefix is for logs in stderr's format, and {} is "
                                   "none",
                                   path));
    }
    Result<std::vector<LogLinePrefix>> prefixes = prefixes_of(options);
    if (!prefixes) {
        return tl::unexpected(std::move(prefixes).error());
    }
    Decoder decoder = LogText(*std::move(prefixes));
    if (csv) {
        decoder = LogCsv();
    } else if (json) {
        decoder = LogJson();
    }
    ServerLogReader reader(FollowedFile("the log", std::move(path), options.start),
                           std::move(decoder),
                           std::move(options));
    // What comes from now on counts, also where the recording begins later.
    Result<> ready = reader.file_.open();
    if (ready) {
        ready = reader.check_lines();
    }
    if (!ready) {
        return tl::unexpected(std::move(ready).error());
    }
    return reader;
}

ServerLogReader::ServerLogReader(FollowedFile file, Decoder decoder, ServerLogOptions options)
    : file_(std::move(file)),
      decoder_(std::move(decoder)),
      options_(std::move(options)),
      clock_(options_.now) {}

// Whether the last lines that are there are of this format and prefix: a recording of an hour
// without one statement would be a sad discovery.
Result<> ServerLogReader::check_lines() const {
    const std::optional<std::string> path = file_.newest();
    std::ifstream file(path.value_or(""), std::ios::binary | std::ios::ate);
    const std::int64_t size = file ? static_cast<std::int64_t>(file.tellg()) : 0;
    if (size <= 0) {
        return {};
    }
    Decoder decoder = decoder_;
    std::string line;
    file.seekg(std::max<std::int64_t>(size - kCheckedBytes, 0));
    if (size > kCheckedBytes) {
        std::getline(file, line);
    }
    const bool holds_text = std::holds_alternative<LogText>(decoder);
    bool foreign = false;
    while (std::getline(file, line) && !file.eof()) {
        const LogLine taken = std::visit([&](auto& format) { return format.take(line); }, decoder);
        // What begins in the middle of an entry goes on with a tab.
        const bool goes_on = line.starts_with('\t');
        if (taken.entry || (holds_text && !taken.skipped && !goes_on)) {
            return {};
        }
        foreign = foreign || (taken.skipped && !goes_on);
    }
    if (!foreign) {
        return {};
    }
    if (!holds_text) {
        return failure(Error::Kind::kUsage,
                       fmt::format("{} is no log in the format that its name tells", *path));
    }
    return failure(Error::Kind::kUsage,
                   fmt::format("the lines of {} do not begin with {}",
                               *path,
                               options_.line_prefix
                                   ? fmt::format("the log_line_prefix '{}'", *options_.line_prefix)
                                   : "a log_line_prefix that is known"),
                   "give what SHOW log_line_prefix says on that server as --log-line-prefix; "
                   "lc_messages must be C or English");
}

Result<std::vector<Execution>> ServerLogReader::poll() {
    std::vector<Execution> executions;
    while (executions.empty()) {
        const Result<bool> more =
            file_.read([&](const FollowedFile::Line& line) { take_line(line, executions); });
        if (!more) {
            return tl::unexpected(more.error());
        }
        const std::int64_t now = options_.now();
        if (*more) {
            grew_at_ns_ = now;
            continue;
        }
        if (!file_.in_a_line() && now - grew_at_ns_ > kQuiet) {
            take_last_entry(executions);
        }
        break;
    }
    return executions;
}

std::vector<Execution> ServerLogReader::finish(int pid) {
    std::vector<Execution> executions;
    take_last_entry(executions);
    executions_.finish(pid, executions);
    return executions;
}

void ServerLogReader::take_line(const FollowedFile::Line& line,
                                std::vector<Execution>& executions) {
    const bool of_another_file = line.number <= line_;
    if (line.too_long || of_another_file) {
        take_last_entry(executions);
    }
    line_ = line.number;
    LogLine taken{.entry = {}, .skipped = true};
    if (!line.too_long) {
        taken = std::visit([&](auto& format) { return format.take(line.text); }, decoder_);
    }
    take_decoded(taken, line_, executions);
}

void ServerLogReader::take_decoded(const LogLine& taken,
                                   std::int64_t line,
                                   std::vector<Execution>& executions) {
    const std::int64_t skipped = taken.skipped_before + (taken.skipped ? 1 : 0);
    if (skipped > 0) {
        skipped_.add(line - taken.skipped_before, skipped);
    }
    if (taken.entry) {
        take_entry(*taken.entry, executions);
    }
}

void ServerLogReader::take_last_entry(std::vector<Execution>& executions) {
    take_decoded(
        std::visit([](auto& format) { return format.flush(); }, decoder_), line_ + 1, executions);
}

void ServerLogReader::take_entry(const LogEntry& entry, std::vector<Execution>& executions) {
    ++entries_;
    const std::optional<std::int64_t> logged_ns = clock_.unix_ns(entry.time);
    if (!logged_ns) {
        timeless_.add(line_);
        return;
    }
    if (options_.start == FollowedFile::Start::kEnd &&
        std::abs(options_.now() - *logged_ns) > kFarFromNow) {
        other_time_.add(line_);
        return;
    }
    if (*logged_ns < last_logged_ns_ - kBackwards) {
        backwards_.add(line_);
    }
    last_logged_ns_ = *logged_ns;
    whole_seconds_ = whole_seconds_ || entry.time.find('.') == std::string::npos;
    executions_.take(entry, *logged_ns, executions);
}

std::vector<std::string> ServerLogReader::notes() const {
    const std::string name = file_.name();
    std::vector<std::string> notes;
    const auto add_if = [&](bool condition, auto text) {
        if (condition) {
            notes.push_back(text());
        }
    };
    const auto add_count = [&](const FollowedFile::Count& lines, std::string_view what) {
        if (lines.count > 0) {
            notes.push_back(fmt::format(
                "{}: {} {}, the first one at line {}", name, lines.count, what, lines.first_line));
        }
    };
    const std::vector<std::string> unopened = file_.unopened();
    add_if(!file_.found() && unopened.empty(),
           [&] { return fmt::format("{} never came into being", name); });
    add_if(!unopened.empty(), [&] { return left_out_note(unopened); });
    if (const std::optional<FollowedFile::Newer> newer = file_.newer_beside()) {
        notes.push_back(
            fmt::format("{}: {} came after it and was written to later; if the log goes "
                        "on there its statements are missing: give 'log:{}'",
                        name,
                        newer->path,
                        newer->pattern));
    }
    add_count(skipped_, "lines are no entries in its format and were skipped");
    add_count(timeless_,
              "entries whose time cannot be known were skipped (set log_timezone = 'UTC')");
    add_count(other_time_,
              "entries were logged more than five minutes from now, by another machine or a wrong "
              "clock, and were skipped");
    add_count(backwards_, "times the clock went back, and statements may count at wrong moments");
    const std::int64_t with = executions_.with_duration();
    const std::int64_t without = executions_.without_duration();
    add_if(file_.found() && with + without == 0, [&] {
        return fmt::format(
            "{}: no statement in {} entries; the server must have "
            "log_min_duration_statement = 0 or log_statement = 'all', and "
            "lc_messages = 'C'",
            name,
            entries_);
    });
    add_if(without > 0, [&] {
        return fmt::format(
            "{}: {} of {} statements have no duration and count at their beginning; "
            "log_duration = on would tell their end",
            name,
            without,
            with + without);
    });
    add_if(with >= kFewStatements && executions_.shortest_ns() > kLongForTheShortest, [&] {
        return fmt::format(
            "{}: none of {} statements took less than {}; with a "
            "log_min_duration_statement above 0 shorter ones are missing",
            name,
            with,
            duration_text(static_cast<double>(executions_.shortest_ns()) / 1000));
    });
    add_if(whole_seconds_, [&] {
        return fmt::format(
            "{}: its times are whole seconds, and statements may count up to one "
            "second too early; use %m or %n",
            name);
    });
    add_if(file_.was_cut(), [&] {
        return fmt::format(
            "{} was emptied while it was read, and read again from its beginning; "
            "lines in between may be missing",
            name);
    });
    return notes;
}

}  // namespace palloscope
