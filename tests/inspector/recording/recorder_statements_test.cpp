#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/file_descriptor.hpp"
#include "tests/inspector/recording/recorder_fixture.hpp"

namespace palloscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RecorderStatements : public RecorderTest {};

std::string journal_line(int seq, int pid, std::int64_t ended_at_ns) {
    return fmt::format(
        R"({{"seq":{},"backend_pid":{},"session":"s","step":"a","query":"SELECT 'secret'",)"
        R"("fingerprint":"f","started_at_ns":{},"ended_at_ns":{},"rows":1,"error":null}})"
        "\n",
        seq,
        pid,
        ended_at_ns,
        ended_at_ns);
}

// A server in a container names its backends by PIDs of its own.
TEST_F(RecorderStatements, RecordsTheStatementsOfAServerInAContainer) {
    std::ofstream journal(path("j.jsonl"));
    RecorderCalls one = calls({4042});
    one.server_pid = [](int pid) { return std::optional(pid - 4000); };
    one.take = [&, take = one.take](int pid) {
        journal << journal_line(taken_[pid] + 1, 42, unix_time_ns()) << std::flush;
        stop_ = taken_[pid] == 2;
        return take(pid);
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{5}}, one, JournalReader(path("j.jsonl")));
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->executions, 3);
    EXPECT_THAT(history().backends.at(0).executions, SizeIs(3));
}

TEST_F(RecorderStatements, SaysThatAJournalIsOfAnotherServer) {
    std::ofstream(path("j.jsonl")) << journal_line(1, 77, unix_time_ns() + 60 * kSecond);
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{10}, .duration = milliseconds{50}},
               calls({42}),
               JournalReader(path("j.jsonl")));
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->executions, 0);
    EXPECT_THAT(summary->notes, ElementsAre(HasSubstr("none of the 1 statements told")));
}

TEST_F(RecorderStatements, RecordsStatementsByAClockThatWasSetBack) {
    std::ofstream journal(path("j.jsonl"));
    RecorderCalls one = calls({42});
    std::int64_t set_back_by = 0;
    one.unix_time_ns = [&] { return unix_time_ns() - set_back_by; };
    one.take = [&, take = one.take](int pid) {
        set_back_by = taken_[pid] < 2 ? 0 : 600 * kSecond;
        journal << journal_line(taken_[pid] + 1, 42, unix_time_ns() - set_back_by) << std::flush;
        stop_ = taken_[pid] == 4;
        return take(pid);
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{5}}, one, JournalReader(path("j.jsonl")));
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->executions, 5);
}

TEST_F(RecorderStatements, RecordsTheJournalsStatementsOfItsBackends) {
    std::ofstream journal(path("j.jsonl"));
    journal << journal_line(1, 42, unix_time_ns() - 60 * kSecond) << "broken\n" << std::flush;
    RecorderCalls both = calls({42});
    both.take = [&, take = both.take](int pid) {
        const std::int64_t now = unix_time_ns();
        const int number = 10 * (taken_[pid] + 1);
        journal << journal_line(number, 42, now) << journal_line(number + 1, 77, now) << std::flush;
        stop_ = taken_[pid] == 4;
        return take(pid);
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{5}}, both, JournalReader(path("j.jsonl")));
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->executions, 5);
    EXPECT_THAT(summary->notes, ElementsAre(HasSubstr("1 lines that are no journal entries")));
    ASSERT_THAT(history().backends, SizeIs(1));
    EXPECT_THAT(history().backends[0].executions, SizeIs(5));
    EXPECT_EQ(history().forms.at(0).text, "SELECT $1");
}

// A driver that says hello, runs `statements` statements and goes.
void step(const std::string& path, int pid, int statements, std::vector<std::string>& answers) {
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return;
    }
    const auto ask = [&](const std::string& line) {
        std::string answer;
        char byte = 0;
        if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) > 0) {
            while (recv(socket.get(), &byte, 1, 0) == 1 && byte != '\n') {
                answer += byte;
            }
        }
        answers.push_back(answer);
    };
    ask(fmt::format(R"({{"hello":"palloscope.step/1","backend_pid":{},"session":"s"}})"
                    "\n",
                    pid));
    for (int i = 1; i <= statements; ++i) {
        ask(journal_line(i, pid, unix_time_ns()));
    }
}

TEST_F(RecorderStatements, TakesASnapshotAfterEachStatementOfASteppingDriver) {
    Result<StepServer> server = StepServer::listen(path("step"));
    ASSERT_TRUE(server);
    std::vector<std::string> answers;
    std::vector<std::string> strangers_answers;
    std::thread driver([&] {
        step(path("step"), 42, 20, answers);
        step(path("step"), 77, 1, strangers_answers);
        stop_ = true;
    });
    const Result<RecordingSummary> summary =
        record({.interval = seconds{3'600}}, calls({42}), *std::move(server));
    driver.join();
    ASSERT_TRUE(summary) << summary.error().message;
    // One of the first round, one at the hello, one after each statement.
    EXPECT_EQ(summary->snapshots, 22);
    EXPECT_EQ(summary->executions, 20);
    ASSERT_THAT(answers, SizeIs(21));
    EXPECT_THAT(answers, Each(HasSubstr(R"("snapshot":true)")));
    EXPECT_EQ(answers.back(), R"({"seq":20,"snapshot":true})");
    EXPECT_THAT(strangers_answers, Each(HasSubstr("no target")));

    const BackendHistory backend = history().backends.at(0);
    ASSERT_THAT(backend.executions, SizeIs(20));
    for (std::size_t i = 0; i < backend.executions.size(); ++i) {
        EXPECT_GE(backend.snapshots[i + 2].taken_at_ns, backend.executions[i].ended_at_ns);
    }
}

TEST_F(RecorderStatements, TakesNoSnapshotsAtIntervalsOfASteppingBackend) {
    Result<StepServer> server = StepServer::listen(path("step"));
    ASSERT_TRUE(server);
    RecorderCalls both = calls({42, 43});
    std::vector<std::string> answers;
    std::thread driver;
    std::atomic<bool> greeted = false;
    int at_hello = 0;
    both.take = [&, take = both.take](int pid) {
        if (pid == 43 && !driver.joinable()) {
            driver = std::thread([&] {
                step(path("step"), 42, 1, answers);
                greeted = true;
            });
        }
        if (greeted && at_hello == 0) {
            at_hello = taken_[42];
        }
        stop_ = taken_[43] > 100 && greeted;
        return take(pid);
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{2}}, both, *std::move(server));
    driver.join();
    ASSERT_TRUE(summary);
    EXPECT_GT(at_hello, 0);
    EXPECT_EQ(taken_[42], at_hello);
}

}  // namespace
}  // namespace palloscope
