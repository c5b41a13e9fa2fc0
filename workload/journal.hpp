#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"
#include "workload/descriptor.hpp"

namespace palloscope::workload {

// One execution as one line of JSON with the fields of contract.md, "Journal of the workload
// driver", and a line feed at its end. Holds the form of the statement, never a literal.
[[nodiscard]] std::string journal_line(const Execution& execution);

// The journal of a run: one line a statement, from any number of threads, each line whole and
// written to the kernel before the statement's session goes on. kill -9 leaves at most the last
// line cut off.
//
// Numbers the statements (`seq`) from 1 in the order of their lines, also where there is no file.
class Journal {
  public:
    // Keeps no file: numbers the statements only.
    Journal() = default;

    // Appends to the file at `path`, which only its owner may read; makes it where there is none.
    // A line that an earlier run left cut off is ended first. kPermission or kFailed, naming it.
    [[nodiscard]] static Result<Journal> open(const std::string& path);

    Journal(Journal&& other) noexcept;
    Journal& operator=(Journal&&) = delete;
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() = default;

    // Numbers `execution` and appends it. Gives the numbered line; where it cannot be written (a
    // full disk) the reason, and the same reason for every statement after it: a journal with holes
    // would tell lies.
    [[nodiscard]] Result<std::string> append(Execution& execution);

    // The reason why the journal could not be written, where append() met one.
    [[nodiscard]] std::optional<Error> error() const;

  private:
    Journal(Descriptor file, std::string path);

    mutable std::mutex mutex_;
    Descriptor file_;
    std::string path_;
    std::int64_t last_seq_ = 0;
    std::optional<Error> error_;
};

}  // namespace palloscope::workload
