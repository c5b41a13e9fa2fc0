#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// Reads a driver's journal (JSON lines) while it is being written.
//
// A line counts when its end of line is there. Lines that are no journal objects, or longer than
// 4 MiB, are skipped and counted, never an error. A journal that was cut to a shorter size is read
// again from its beginning. A file that does not exist yet is waited for.
//
//     JournalReader journal(path);
//     do { batch = journal.poll(); store(*batch); } while (batch && !batch->empty());
class JournalReader {
  public:
    explicit JournalReader(std::string path) : path_(std::move(path)) {}

    // The executions that came since the last call, some thousands at most: there may be more
    // unless it is empty. Fails where the file cannot be read.
    [[nodiscard]] Result<std::vector<Execution>> poll();

    // What the reader of a report must know: that lines were skipped, that the file never came.
    // Complete once the last poll() gave nothing.
    [[nodiscard]] std::vector<std::string> notes() const;

  private:
    [[nodiscard]] Result<bool> open_or_rewind();
    void take_lines(std::vector<Execution>& executions);
    void take_line(std::string_view line, std::vector<Execution>& executions);

    std::string path_;
    FileDescriptor file_;
    std::int64_t offset_ = 0;  // of what is not yet read into tail_
    // The line that is not yet complete; emptied, with in_long_line_ set, when it gets too long.
    std::string tail_;
    bool in_long_line_ = false;
    std::int64_t line_ = 0;
    std::int64_t skipped_ = 0;
    std::int64_t first_skipped_ = 0;
    bool was_cut_ = false;
};

}  // namespace palloscope
