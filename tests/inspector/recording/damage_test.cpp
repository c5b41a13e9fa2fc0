#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/recording/reader.hpp"
#include "inspector/recording/writer.hpp"
#include "inspector/statements/form.hpp"
#include "tests/inspector/model/sample_explanation.hpp"
#include "tests/inspector/recording/recording_fixture.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class DamagedRecording : public RecordingTest {
  protected:
    // Which must be those of snapshot_with(42, i, i % 7) for i = 0, 1, …
    [[nodiscard]] static Result<int> count_whole_snapshots(const std::string& file) {
        int count = 0;
        const Result<std::vector<std::string>> notes =
            for_each_snapshot(file, [&](const Snapshot& snapshot) -> Result<> {
                EXPECT_EQ(snapshot, snapshot_with(42, count, count % 7));
                ++count;
                return {};
            });
        if (!notes) {
            return tl::unexpected(notes.error());
        }
        return count;
    }

    static void record(RecordingWriter& recording, int snapshots) {
        for (int i = 0; i < snapshots; ++i) {
            ASSERT_TRUE(recording.append(snapshot_with(42, i, i % 7)));
        }
    }

    void write_file(std::string_view name, std::string_view bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
    }

    void run_sql(const std::string& sql) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
    }
};

TEST_F(DamagedRecording, IsWholeUpToTheLastSnapshotWhenItsWriterIsKilled) {
    for (const int before_kill : {1, 20, 300}) {
        std::array<int, 2> ready{};
        ASSERT_EQ(pipe(ready.data()), 0);
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            RecordingWriter recording = writer();
            for (int i = 0;; ++i) {
                if (!recording.append(snapshot_with(42, i, i % 7))) {
                    _exit(1);
                }
                if (i + 1 == before_kill && write(ready[1], "x", 1) != 1) {
                    _exit(1);
                }
            }
        }
        char byte = 0;
        ASSERT_EQ(read(ready[0], &byte, 1), 1);
        ASSERT_EQ(kill(child, SIGKILL), 0);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        close(ready[0]);
        close(ready[1]);

        const Result<int> whole = count_whole_snapshots(path());
        ASSERT_TRUE(whole) << whole.error().message;
        EXPECT_GE(*whole, before_kill);
        const Result<History> history = read_history(path());
        ASSERT_TRUE(history);
        EXPECT_EQ(history->backends.at(0).end, std::nullopt);
        EXPECT_THAT(history->notes, testing::IsEmpty());
    }
}

TEST_F(DamagedRecording, IsReadAsFarAsItGoesWhereItWasCut) {
    {
        RecordingWriter recording = writer();
        record(recording, 400);
    }
    const std::string bytes = bytes_on_disk();
    ASSERT_GT(bytes.size(), 60'000U);
    int longest = 0;
    for (std::size_t length = 0; length < bytes.size(); length += 1'531) {
        write_file("cut", bytes.substr(0, length));
        const Result<int> whole = count_whole_snapshots(path("cut"));
        const Result<History> history = read_history(path("cut"));
        ASSERT_EQ(whole.has_value(), history.has_value()) << length;
        if (!whole) {
            EXPECT_THAT(whole.error().message, HasSubstr(path("cut")));
            continue;
        }
        // The tail may be of an index, which no reader needs.
        EXPECT_TRUE(*whole == 400 || !history->notes.empty()) << length;
        const int in_history =
            history->backends.empty() ? 0 : static_cast<int>(history->backends[0].snapshots.size());
        EXPECT_EQ(in_history, *whole) << length;
        longest = std::max(longest, *whole);
    }
    EXPECT_GT(longest, 300);
}

TEST_F(DamagedRecording, LosesNoSnapshotWithAnExplanation) {
    {
        RecordingWriter recording = writer();
        Explanation explanation = sample_explanation();
        for (int i = 0; i < 3; ++i) {
            explanation.snapshot = snapshot_with(42, i, i);
            ASSERT_TRUE(recording.append(explanation));
        }
    }
    for (const char* const damage :
         {"UPDATE explanation SET deflated = substr(deflated, 1, 100) WHERE snapshot = 3",
          "UPDATE explanation SET text_bytes = text_bytes + 1 WHERE snapshot = 3",
          "UPDATE explanation SET text_bytes = 1 << 50 WHERE snapshot = 3"}) {
        run_sql(damage);
        EXPECT_FALSE(explanation_at(path(), 42, std::nullopt)) << damage;
        EXPECT_TRUE(explanation_at(path(), 42, kStart + kSecond)) << damage;
        const Result<History> history = read_history(path());
        ASSERT_TRUE(history);
        EXPECT_THAT(history->backends.at(0).snapshots, SizeIs(3));
        EXPECT_THAT(history->backends.at(0).explanations, SizeIs(1));
        EXPECT_THAT(history->notes, testing::ElementsAre(HasSubstr("'explanation'")));
    }
}

TEST_F(DamagedRecording, IsReadWhereItIsOfTheFirstFormat) {
    {
        RecordingWriter recording = writer();
        record(recording, 5);
    }
    run_sql(
        "DROP TABLE explanation; DROP TABLE sighting; DROP TABLE allowance; "
        "DROP TABLE server_fact; DROP TABLE seen_share; DROP TABLE transaction_block; "
        "DROP TABLE control_group; DROP TABLE clock_step; PRAGMA user_version = 1");
    EXPECT_EQ(count_whole_snapshots(path()), 5);
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history);
    EXPECT_THAT(history->notes, testing::IsEmpty());
    // A table of the second format has no place in it.
    run_sql("CREATE TABLE explanation (snapshot INTEGER PRIMARY KEY)");
    EXPECT_FALSE(read_history(path()));
}

TEST_F(DamagedRecording, NeverCrashesTheReader) {
    {
        RecordingWriter recording = writer();
        record(recording, 50);
        Explanation explanation = sample_explanation();
        explanation.snapshot = snapshot_with(42, 50, 1);
        ASSERT_TRUE(recording.append(explanation));
    }
    const std::string bytes = bytes_on_disk();
    std::mt19937 random(5);
    for (int i = 0; i < 300; ++i) {
        std::string changed = bytes;
        for (int n = 0; n < 20; ++n) {
            changed[random() % changed.size()] = static_cast<char>(random());
        }
        write_file("changed", changed);
        const Result<History> history = read_history(path("changed"));
        const Result<std::vector<std::string>> notes =
            for_each_snapshot(path("changed"), [](const Snapshot&) -> Result<> { return {}; });
        const Result<Snapshot> last = snapshot_at(path("changed"), std::nullopt, std::nullopt);
        EXPECT_TRUE(history || !history.error().message.empty());
        EXPECT_TRUE(notes || !notes.error().message.empty());
        EXPECT_TRUE(last || !last.error().message.empty());
    }
}

TEST_F(DamagedRecording, OfOtherKindsOfFilesIsRefused) {
    write_file("text", std::string(10'000, 'x'));
    write_file("empty", "");
    EXPECT_THAT(read_history(path("text")).error().message, HasSubstr("no recording"));
    EXPECT_THAT(read_history(path("empty")).error().message, HasSubstr("no recording"));
    EXPECT_THAT(read_history(folder_.string()).error().message, HasSubstr("no recording"));
    EXPECT_THAT(read_history(path("missing")).error().message, HasSubstr("No such file"));
    run_sql("CREATE TABLE snapshot (id)");
    EXPECT_THAT(read_history(path()).error().message, HasSubstr("no recording"));
}

TEST_F(DamagedRecording, OfANewerFormatIsRefused) {
    { const RecordingWriter recording = writer(); }
    run_sql("PRAGMA user_version = 99");
    const Result<History> newer = read_history(path());
    ASSERT_FALSE(newer);
    EXPECT_THAT(newer.error().message, HasSubstr("newer palloscope"));
}

TEST_F(DamagedRecording, WithForeignTablesIsRefused) {
    { const RecordingWriter recording = writer(); }
    run_sql(
        "DROP TABLE change; CREATE VIEW change AS WITH RECURSIVE c(x) AS "
        "(SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c");
    const Result<History> foreign = read_history(path());
    ASSERT_FALSE(foreign);
    EXPECT_THAT(foreign.error().message, HasSubstr("not those of a recording"));
}

TEST_F(DamagedRecording, WithFiguresThatNoServerHasIsReadUpToThem) {
    {
        RecordingWriter recording = writer();
        record(recording, 10);
    }
    run_sql(
        "UPDATE change SET total_bytes = 9223372036854775807, free_bytes = -1 "
        "WHERE snapshot = 6");
    const Result<int> whole = count_whole_snapshots(path());
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, 5);
    EXPECT_THAT(read_history(path())->backends.at(0).snapshots, SizeIs(5));
}

TEST_F(DamagedRecording, IsValidUpToTheSnapshotBeforeTheDiskWasFull) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        // A limit on the size of files stands for the full disk; both fail the write.
        const rlimit limit{.rlim_cur = 300'000, .rlim_max = 300'000};
        if (std::signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            _exit(1);
        }
        int stored = 0;
        bool told = false;
        {
            RecordingWriter recording = writer();
            for (; stored < 10'000; ++stored) {
                const Result<> appended = recording.append(snapshot_with(42, stored, stored % 7));
                if (!appended) {
                    told = appended.error().message.find(path()) != std::string::npos &&
                           appended.error().message.find("valid up to its last snapshot") !=
                               std::string::npos &&
                           recording.note("later").error() == appended.error();
                    break;
                }
            }
            told = told && recording.snapshots() == stored;
        }
        std::ofstream(path("stored")) << stored;
        _exit(told ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_EQ(WEXITSTATUS(status), 0);
    int stored = 0;
    std::ifstream(path("stored")) >> stored;
    EXPECT_GT(stored, 0);
    EXPECT_EQ(count_whole_snapshots(path()).value_or(-1), stored);
}

TEST_F(DamagedRecording, CanBeReadWhileItIsWritten) {
    RecordingWriter recording = writer();
    ASSERT_TRUE(recording.append(snapshot_with(42, 0, 0)));
    std::atomic<bool> done = false;
    std::atomic<int> reads = 0;
    std::thread reader([&] {
        int before = 0;
        while (!done) {
            const Result<int> now = count_whole_snapshots(path());
            ASSERT_TRUE(now) << now.error().message;
            EXPECT_GE(*now, before);
            before = *now;
            ++reads;
        }
    });
    int number = 1;
    while (reads < 20) {
        EXPECT_TRUE(recording.append(snapshot_with(42, number, number % 7)));
        ++number;
    }
    done = true;
    reader.join();
    EXPECT_EQ(count_whole_snapshots(path()).value_or(-1), number);
}

}  // namespace
}  // namespace palloscope
