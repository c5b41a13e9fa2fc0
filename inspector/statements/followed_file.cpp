#include "inspector/statements/followed_file.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "inspector/statements/io_error.hpp"
#include "inspector/statements/rotated_names.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10U;

using Status = struct stat;

bool is_pattern(const std::string& path) {
    return path.find('*') != std::string::npos;
}

std::vector<std::string> paths_of(const std::string& path) {
    if (!is_pattern(path)) {
        return {path};
    }
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(path.c_str(), 0, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
    return paths;
}

// Rises with the time of the last write; names decide between files written in the same moment.
using Age = std::tuple<std::int64_t, std::int64_t, std::string>;

Age age_of(const Status& status, const std::string& path) {
    return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, path};
}

}  // namespace

tl::unexpected<Error> FollowedFile::cannot_read(int err, const std::string& path) const {
    return io_error(err, fmt::format("cannot read {} {}", what_, path));
}

std::string FollowedFile::name() const {
    return fmt::format("{} {}", what_, current_.empty() ? path_ : current_);
}

std::optional<std::string> FollowedFile::newest() const {
    std::optional<std::string> newest;
    Status newest_status{};
    for (const std::string& path : paths_of(path_)) {
        Status status{};
        if (stat(path.c_str(), &status) == 0 &&
            (!newest || age_of(newest_status, *newest) < age_of(status, path))) {
            newest = path;
            newest_status = status;
        }
    }
    return newest;
}

// The file to go on with: the oldest one behind this that can be opened. One that is still empty
// does not count: whoever rotates logs may make it before the server is told to write to it
// (logrotate(8), "create").
std::optional<FollowedFile::Opened> FollowedFile::successor() {
    Status current{};
    if (fstat(file_.get(), &current) != 0) {
        return std::nullopt;
    }
    std::map<Age, std::string> newer;
    for (const std::string& path : paths_of(path_)) {
        Status status{};
        if (stat(path.c_str(), &status) != 0 || status.st_size == 0 ||
            (status.st_ino == current.st_ino && status.st_dev == current.st_dev) ||
            (is_pattern(path_) && age_of(status, path) < age_of(current, current_))) {
            continue;
        }
        newer.emplace(age_of(status, path), path);
    }
    for (const auto& [age, path] : newer) {
        Result<Opened> opened = open_file(path);
        if (opened) {
            return *std::move(opened);
        }
        leave_out(path, opened.error());
    }
    return std::nullopt;
}

Result<FollowedFile::Opened> FollowedFile::open_file(const std::string& path) const {
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    Status status{};
    if (!file.valid() || fstat(file.get(), &status) != 0) {
        return cannot_read(errno, path);
    }
    if (!S_ISREG(status.st_mode)) {
        return failure(Error::Kind::kFailed,
                       fmt::format("cannot read {} {}: it is no regular file", what_, path));
    }
    return Opened{.file = std::move(file), .path = path};
}

void FollowedFile::go_on_with(Opened opened) {
    file_ = std::move(opened.file);
    current_ = std::move(opened.path);
    begin_anew();
    if (Status status{}; fstat(file_.get(), &status) == 0) {
        std::erase_if(unopened_,
                      [&](const Unopened& file) { return file.is(status.st_dev, status.st_ino); });
    }
}

void FollowedFile::leave_out(const std::string& path, const Error& error) {
    Status status{};
    if (stat(path.c_str(), &status) != 0 && errno == ENOENT) {
        return;  // rotated on in this very moment
    }
    const bool known = std::ranges::any_of(
        unopened_, [&](const Unopened& file) { return file.is(status.st_dev, status.st_ino); });
    if (!known) {
        unopened_.push_back(
            {.device = status.st_dev, .inode = status.st_ino, .why = error.message});
    }
}

std::vector<std::string> FollowedFile::unopened() const {
    std::vector<std::string> reasons;
    for (const Unopened& file : unopened_) {
        reasons.push_back(file.why);
    }
    return reasons;
}

void FollowedFile::begin_anew() {
    offset_ = 0;
    line_ = 0;
    tail_.clear();
    in_long_line_ = false;
    in_old_line_ = false;
}

void FollowedFile::start_at_end() {
    Status status{};
    char last = '\n';
    if (fstat(file_.get(), &status) == 0 && status.st_size > 0 &&
        pread(file_.get(), &last, 1, status.st_size - 1) == 1) {
        offset_ = status.st_size;
        in_old_line_ = last != '\n';
    }
}

// Whether there is a file to read.
Result<bool> FollowedFile::open_first() {
    if (file_.valid()) {
        return true;
    }
    const bool at_start = !std::exchange(looked_, true);
    const std::optional<std::string> path = newest();
    if (Status status{};
        !path && (is_pattern(path_) || stat(path_.c_str(), &status) == 0 || errno == ENOENT)) {
        return false;
    }
    // Without a path it may be there, in a folder that is not for us.
    Result<Opened> opened = path ? open_file(*path) : Result<Opened>(cannot_read(errno, path_));
    if (!opened && at_start) {
        return tl::unexpected(std::move(opened).error());
    }
    if (!opened) {
        leave_out(path.value_or(path_), opened.error());
        return false;
    }
    go_on_with(*std::move(opened));
    if (const std::optional<std::string> pattern = pattern_of_rotated(path_)) {
        beside_ = paths_of(*pattern);
    }
    // What comes into being later is read from its beginning.
    if (at_start && start_ == Start::kEnd) {
        start_at_end();
    }
    return true;
}

std::optional<FollowedFile::Newer> FollowedFile::newer_beside() const {
    const std::optional<std::string> pattern = pattern_of_rotated(path_);
    Status newest_status{};
    if (!pattern || !file_.valid() || fstat(file_.get(), &newest_status) != 0) {
        return std::nullopt;
    }
    std::optional<Newer> newest;
    for (const std::string& path : paths_of(*pattern)) {
        Status status{};
        if (std::ranges::find(beside_, path) == beside_.end() && stat(path.c_str(), &status) == 0 &&
            status.st_size > 0 && age_of(newest_status, "") < age_of(status, "")) {
            newest = Newer{.path = path, .pattern = *pattern};
            newest_status = status;
        }
    }
    return newest;
}

Result<> FollowedFile::open() {
    return open_first().map([](bool) {});
}

Result<> FollowedFile::rewind_if_cut() {
    Status status{};
    if (fstat(file_.get(), &status) != 0) {
        return cannot_read(errno, current_);
    }
    if (status.st_size < offset_) {
        was_cut_ = true;
        begin_anew();
    }
    return {};
}

Result<bool> FollowedFile::read(const Take& take) {
    if (const Result<bool> opened = open_first(); !opened || !*opened) {
        return opened;
    }
    if (Result<> looked = rewind_if_cut(); !looked) {
        return tl::unexpected(std::move(looked).error());
    }
    std::array<char, kChunk> chunk;
    for (;;) {
        const ssize_t got = pread(file_.get(), chunk.data(), chunk.size(), offset_);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cannot_read(errno, current_);
        }
        if (got > 0) {
            offset_ += got;
            tail_.append(chunk.data(), static_cast<std::size_t>(got));
            take_lines(take);
            return true;
        }
        if (next_) {
            // Its lines may be none for a moment, where it was removed again.
            go_on_with(*std::exchange(next_, std::nullopt));
            continue;
        }
        next_ = successor();
        if (!next_) {
            return false;
        }
    }
}

void FollowedFile::take_lines(const Take& take) {
    std::size_t start = 0;
    for (std::size_t end = tail_.find('\n'); end != std::string::npos;
         end = tail_.find('\n', start)) {
        take_line(std::string_view(tail_).substr(start, end - start), take);
        start = end + 1;
    }
    tail_.erase(0, start);
    if (tail_.size() > kMaxLine) {
        in_long_line_ = true;
        tail_.clear();
    }
}

void FollowedFile::take_line(std::string_view line, const Take& take) {
    const bool too_long = std::exchange(in_long_line_, false) || line.size() > kMaxLine;
    if (std::exchange(in_old_line_, false)) {
        return;
    }
    take({.text = too_long ? std::string_view() : line, .number = ++line_, .too_long = too_long});
}

}  // namespace palloscope
