#include "inspector/statements/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inspector/statements/execution_json.hpp"
#include "inspector/statements/io_error.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10U;

}  // namespace

Result<std::vector<Execution>> JournalReader::poll() {
    std::vector<Execution> executions;
    const Result<bool> ready = open_or_rewind();
    if (!ready) {
        return tl::unexpected(ready.error());
    }
    // One chunk can hold nothing but skipped lines or a part of one; only the end of the file gives
    // an empty batch.
    std::array<char, kChunk> chunk;
    while (*ready && executions.empty()) {
        const ssize_t got = pread(file_.get(), chunk.data(), chunk.size(), offset_);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return io_error(errno, fmt::format("cannot read the journal {}", path_));
        }
        if (got == 0) {
            break;
        }
        offset_ += got;
        tail_.append(chunk.data(), static_cast<std::size_t>(got));
        take_lines(executions);
    }
    return executions;
}

// Whether there is a file to read.
Result<bool> JournalReader::open_or_rewind() {
    if (!file_.valid()) {
        file_ = FileDescriptor(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!file_.valid() && errno == ENOENT) {
            return false;
        }
    }

    struct stat status {};

    if (!file_.valid() || fstat(file_.get(), &status) != 0) {
        return io_error(errno, fmt::format("cannot read the journal {}", path_));
    }
    if (!S_ISREG(status.st_mode)) {
        return failure(Error::Kind::kFailed,
                       fmt::format("cannot read the journal {}: it is no regular file", path_));
    }
    if (status.st_size < offset_) {
        was_cut_ = true;
        offset_ = 0;
        line_ = 0;
        tail_.clear();
        in_long_line_ = false;
    }
    return true;
}

void JournalReader::take_lines(std::vector<Execution>& executions) {
    std::size_t start = 0;
    for (std::size_t end = tail_.find('\n'); end != std::string::npos;
         end = tail_.find('\n', start)) {
        take_line(std::string_view(tail_).substr(start, end - start), executions);
        start = end + 1;
    }
    tail_.erase(0, start);
    if (tail_.size() > kMaxJournalLine) {
        in_long_line_ = true;
        tail_.clear();
    }
}

void JournalReader::take_line(std::string_view line, std::vector<Execution>& executions) {
    ++line_;
    const bool too_long = std::exchange(in_long_line_, false) || line.size() > kMaxJournalLine;
    if (!too_long) {
        if (std::optional<Execution> execution = execution_from_line(line)) {
            executions.push_back(*std::move(execution));
            return;
        }
    }
    if (skipped_ == 0) {
        first_skipped_ = line_;
    }
    ++skipped_;
}

std::vector<std::string> JournalReader::notes() const {
    std::vector<std::string> notes;
    if (!file_.valid()) {
        notes.push_back(fmt::format("the journal {} never came into being", path_));
    }
    if (skipped_ > 0) {
        notes.push_back(
            fmt::format("the journal {} has {} lines that are no journal entries and were "
                        "skipped, the first one is line {}",
                        path_,
                        skipped_,
                        first_skipped_));
    }
    if (!tail_.empty() || in_long_line_) {
        notes.push_back(fmt::format("the last line of the journal {} is cut off", path_));
    }
    if (was_cut_) {
        notes.push_back(fmt::format(
            "the journal {} was emptied while it was read, and read again from its beginning",
            path_));
    }
    return notes;
}

}  // namespace palloscope
