#include "inspector/statements/journal.hpp"

#include <optional>

#include <fmt/format.h>

#include "inspector/statements/execution_json.hpp"

namespace palloscope {

Result<std::vector<Execution>> JournalReader::poll() {
    std::vector<Execution> executions;
    // One piece can hold nothing but skipped lines or a part of one; only the end of the file gives
    // an empty batch.
    while (executions.empty()) {
        const Result<bool> more =
            file_.read([&](const FollowedFile::Line& line) { take_line(line, executions); });
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more) {
            break;
        }
    }
    return executions;
}

void JournalReader::take_line(const FollowedFile::Line& line, std::vector<Execution>& executions) {
    if (!line.too_long) {
        if (std::optional<Execution> execution = execution_from_line(line.text)) {
            executions.push_back(*std::move(execution));
            return;
        }
    }
    skipped_.add(line.number);
}

std::vector<std::string> JournalReader::notes() const {
    std::vector<std::string> notes;
    const std::vector<std::string> unopened = file_.unopened();
    if (!file_.found() && unopened.empty()) {
        notes.push_back(fmt::format("{} never came into being", file_.name()));
    }
    for (const std::string& why : unopened) {
        notes.push_back(fmt::format("{}; what stands there is missing", why));
    }
    if (skipped_.count > 0) {
        notes.push_back(
            fmt::format("{} has {} lines that are no journal entries and were "
                        "skipped, the first one is line {}",
                        file_.name(),
                        skipped_.count,
                        skipped_.first_line));
    }
    if (file_.in_a_line()) {
        notes.push_back(fmt::format("the last line of {} is cut off", file_.name()));
    }
    if (file_.was_cut()) {
        notes.push_back(fmt::format(
            "{} was emptied while it was read, and read again from its beginning", file_.name()));
    }
    return notes;
}

}  // namespace palloscope
