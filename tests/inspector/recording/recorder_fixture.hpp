#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "inspector/model/time_text.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/recording/recorder.hpp"
#include "tests/inspector/recording/recording_fixture.hpp"

namespace palloscope {

// Records what looks like backends.
class RecorderTest : public RecordingTest {
  protected:
    // Takes snapshots as they would be of real backends; a test replaces what it is about.
    RecorderCalls calls(const std::vector<int>& pids) {
        return {.take = [this](int pid) -> Result<Snapshot> {
                    Snapshot snapshot = snapshot_with(pid, ++taken_[pid], 3);
                    snapshot.taken_at_ns = unix_time_ns();
                    return snapshot;
                },
                .explain = {},
                .find_targets = [pids]() -> Result<std::vector<int>> { return pids; },
                .progress = {}};
    }

    Result<RecordingSummary> record(RecorderOptions options,
                                    RecorderCalls recorder_calls,
                                    StatementSource statements = NoStatements{}) {
        RecordingWriter recording = writer();
        Recorder recorder(
            options, std::move(recorder_calls), std::move(statements), recording, stop_);
        return recorder.run();
    }

    [[nodiscard]] History history() const {
        Result<History> read = read_history(path());
        EXPECT_TRUE(read) << read.error().message;
        return read.value_or(History{});
    }

    std::map<int, int> taken_;
    std::atomic<bool> stop_ = false;
};

}  // namespace palloscope
