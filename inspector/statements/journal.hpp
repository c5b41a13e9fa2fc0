#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"
#include "inspector/statements/followed_file.hpp"

namespace palloscope {

// Reads a driver's journal (JSON lines) while it is being written (FollowedFile). Lines that are no
// journal objects, or longer than 4 MiB, are skipped and counted, never an error.
//
//     JournalReader journal(path);
//     journal.open();
//     do { batch = journal.poll(); store(*batch); } while (batch && !batch->empty());
class JournalReader {
  public:
    explicit JournalReader(std::string path)
        : file_("the journal", std::move(path), FollowedFile::Start::kBeginning) {}

    // Opens it now, if it is there; fails where it is and cannot be opened.
    [[nodiscard]] Result<> open() { return file_.open(); }

    // The executions that came since the last call, some thousands at most: there may be more
    // unless it is empty. Fails where the file cannot be read; one that came later, and cannot be
    // opened, is no failure but a note.
    [[nodiscard]] Result<std::vector<Execution>> poll();

    // What the reader of a report must know: that lines were skipped, that the file never came.
    // Complete once the last poll() gave nothing.
    [[nodiscard]] std::vector<std::string> notes() const;

  private:
    void take_line(const FollowedFile::Line& line, std::vector<Execution>& executions);

    FollowedFile file_;
    FollowedFile::Count skipped_;
};

}  // namespace palloscope
