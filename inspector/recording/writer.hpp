#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "inspector/model/clock_step.hpp"
#include "inspector/model/explanation.hpp"
#include "inspector/model/history.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/model/statement.hpp"
#include "inspector/recording/recording_place.hpp"

namespace palloscope {

// Writes a recording (format.hpp says what is in it).
//
// Each call is one transaction, unless begin() was called: whatever was appended stays readable
// when we are killed at any instruction, and other processes may read the file meanwhile. What is
// in the file beside it (FILE-wal) belongs to it until the writer is destroyed. All files have mode
// 0600. Literals never reach the file: queries and idents are masked once more, whatever the caller
// did.
//
// After a failed call (a full disk) the file is valid up to the transaction before, and all later
// calls fail with the same error. Holds the last tree of each living backend in memory, nothing
// older. Not thread-safe.
//
//     Result<RecordingWriter> writer = RecordingWriter::create(path, ExistingFile::kRefuse,
//     "none"); Result<> stored = writer->append(snapshot);
class RecordingWriter {
  public:
    // `statement_source` is History::statement_source. Fails where the file exists (kUsage, unless
    // it is to be replaced), cannot be made, or is to be replaced but is no regular file.
    [[nodiscard]] static Result<RecordingWriter> create(const std::string& path,
                                                        ExistingFile existing,
                                                        std::string_view statement_source);

    RecordingWriter(const RecordingWriter&) = delete;
    RecordingWriter(RecordingWriter&& other) noexcept;
    RecordingWriter& operator=(const RecordingWriter&) = delete;
    RecordingWriter& operator=(RecordingWriter&& other) noexcept;
    // Joins FILE-wal into FILE where no reader is in the way.
    ~RecordingWriter();

    // The calls up to commit() share transactions, which takes less of a processor: the first one
    // after 100 ms commits. What is not committed is lost when we are killed.
    void begin();
    [[nodiscard]] Result<> commit();

    // Snapshots of several backends may come in any order, those of one in the order of time. A
    // snapshot with a PID whose recording was ended begins a new backend.
    [[nodiscard]] Result<> append(const Snapshot& snapshot);
    // Its snapshot, and what it says of it. Chunks are not kept.
    [[nodiscard]] Result<> append(const Explanation& explanation);
    [[nodiscard]] Result<> append(std::span<const Execution> executions);
    // `times` snapshots of each of these backends were due and not taken. `reason` is a phrase such
    // as "no safe point within 5 s"; equal ones are counted together, so it should not hold
    // changing figures.
    [[nodiscard]] Result<> missed(std::span<const int> pids,
                                  std::string_view reason,
                                  std::int64_t times = 1);
    // In place of what was given of this backend before.
    [[nodiscard]] Result<> allowance(int pid, const MemoryAllowance& allowance);
    // The same.
    [[nodiscard]] Result<> seen_share(int pid, double share);
    // The same.
    [[nodiscard]] Result<> server_facts(int pid, std::span<const ServerFact> facts);
    // The recording of this backend ends: "duration", "interrupted", kBackendGone, … Nothing, where
    // nothing was given of it.
    [[nodiscard]] Result<> end(int pid, std::string_view reason);
    [[nodiscard]] Result<> clock_step(const ClockStep& step);
    // A sentence that readers of a report must know.
    [[nodiscard]] Result<> note(std::string_view text);

    // Snapshots appended so far.
    [[nodiscard]] std::int64_t snapshots() const;
    // Size of the recording on disk, with what stands beside it.
    [[nodiscard]] std::int64_t bytes() const;
    [[nodiscard]] const std::string& path() const;

  private:
    class Impl;

    explicit RecordingWriter(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace palloscope
