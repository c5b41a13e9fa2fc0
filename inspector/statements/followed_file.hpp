#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

// Reads a file of lines while it is being written, as `tail -F` does.
//
// A line counts when its end of line is there. A file that was cut to a shorter size is read again
// from its beginning. Where the path comes to name another file (rotated logs), the old one is read
// to its end, then the new one. A path with '*' (glob(7)) names the newest file that matches, and
// then whichever newer one comes. A file that does not exist yet is waited for. One that comes
// later and cannot be opened is tried again and again; unless that goes well it is left out
// (unopened()).
//
//     FollowedFile file("the journal", path, FollowedFile::Start::kBeginning);
//     while (*file.read([&](const FollowedFile::Line& line) { … })) {}
class FollowedFile {
  public:
    enum class Start { kBeginning, kEnd };

    // Longer lines are nobody's journal and nobody's log; it bounds what a reader must hold.
    static constexpr std::size_t kMaxLine = std::size_t{4} << 20U;

    struct Line {
        std::string_view text;  // without its end; empty where it is too long
        std::int64_t number = 0;
        bool too_long = false;
    };

    using Take = std::function<void(const Line&)>;

    // Lines, or what stands in them, that were left out.
    struct Count {
        std::int64_t count = 0;
        std::int64_t first_line = 0;

        void add(std::int64_t line, std::int64_t lines = 1) {
            first_line = count == 0 ? line : first_line;
            count += lines;
        }
    };

    // `what` names it in errors. Of a file that is there at the first read, kEnd leaves out what it
    // holds then; of all that come later everything is read.
    FollowedFile(std::string what, std::string path, Start start)
        : what_(std::move(what)), path_(std::move(path)), start_(start) {}

    // Opens it now, if it is there; else the first read does. Whichever of them comes first fails
    // where the file is there and cannot be opened.
    [[nodiscard]] Result<> open();

    // Reads on by some hundred kilobytes at most; false where there is nothing more for now. Fails
    // where the file cannot be read.
    [[nodiscard]] Result<bool> read(const Take& take);

    // Whether there was a file.
    [[nodiscard]] bool found() const { return file_.valid(); }

    // "the journal /tmp/j.jsonl"; with a pattern, the file that is read now.
    [[nodiscard]] std::string name() const;

    // Whether a line has begun whose end is not there.
    [[nodiscard]] bool in_a_line() const { return !tail_.empty() || in_long_line_; }

    [[nodiscard]] bool was_cut() const { return was_cut_; }

    // Of each file that came later and could not be opened, why.
    [[nodiscard]] std::vector<std::string> unopened() const;

    // Where the path is no pattern: the file beside it, of a name as rotated logs have
    // (pattern_of_rotated), that came after this one was opened and was written to later, and their
    // pattern. None where there is none.
    struct Newer {
        std::string path;
        std::string pattern;
    };

    [[nodiscard]] std::optional<Newer> newer_beside() const;

    // The newest file that the path names, none where there is none.
    [[nodiscard]] std::optional<std::string> newest() const;

  private:
    struct Opened {
        FileDescriptor file;
        std::string path;
    };

    struct Unopened {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::string why;

        [[nodiscard]] bool is(std::uint64_t its_device, std::uint64_t its_inode) const {
            return device == its_device && inode == its_inode;
        }
    };

    [[nodiscard]] Result<bool> open_first();
    [[nodiscard]] Result<Opened> open_file(const std::string& path) const;
    void go_on_with(Opened opened);
    void leave_out(const std::string& path, const Error& error);
    void start_at_end();
    [[nodiscard]] Result<> rewind_if_cut();
    [[nodiscard]] std::optional<Opened> successor();
    void begin_anew();
    void take_lines(const Take& take);
    void take_line(std::string_view line, const Take& take);
    [[nodiscard]] tl::unexpected<Error> cannot_read(int err, const std::string& path) const;

    std::string what_;
    std::string path_;
    Start start_;
    FileDescriptor file_;
    std::string current_;
    // Has been there at the last end of the current file, which is read once more before it.
    std::optional<Opened> next_;
    std::vector<Unopened> unopened_;
    bool looked_ = false;
    // Those that were there when the first file was opened.
    std::vector<std::string> beside_;
    std::int64_t offset_ = 0;  // of what is not yet read into tail_
    // The line that is not yet complete; emptied, with in_long_line_ set, when it gets too long.
    std::string tail_;
    bool in_long_line_ = false;
    // Reading began in the middle of a line, which is left out.
    bool in_old_line_ = false;
    std::int64_t line_ = 0;
    bool was_cut_ = false;
};

}  // namespace palloscope
