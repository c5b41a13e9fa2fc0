#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/workload/driver_fixture.hpp"
#include "workload/descriptor.hpp"

// palloscope-workload as a user calls it.
namespace palloscope::workload {
namespace {

using palloscope::test::eventually;
using palloscope::test::PostgresServer;
using palloscope::test::Program;
using palloscope::test::ProgramResult;
using palloscope::test::run_program;
using palloscope::test::workload_program;
using test::read_journal;
using test::TemporaryPath;
using test::TestDatabase;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

ProgramResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), workload_program());
    return run_program(arguments);
}

TEST(WorkloadProgram, ExplainsEachScenario) {
    for (const ScenarioEntry& entry : scenarios()) {
        EXPECT_THAT(run({"--help"}).out, HasSubstr(std::string(entry.summary)));
        const ProgramResult help = run({std::string(entry.name), "--help"});
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_THAT(help.out, HasSubstr(std::string(entry.explanation)));
        EXPECT_THAT(help.out, HasSubstr("Example:"));
        EXPECT_EQ(help.err, "");
    }
}

TEST(WorkloadProgram, ListsEachScenarioWithWhatItShows) {
    const ProgramResult table = run({"list"});
    const ProgramResult json = run({"list", "--format", "json"});
    EXPECT_EQ(table.exit_code, 0);
    EXPECT_EQ(json.exit_code, 0);
    const auto listed = nlohmann::json::parse(json.out);
    ASSERT_EQ(listed.size(), scenarios().size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
        const ScenarioEntry& entry = scenarios()[i];
        EXPECT_THAT(table.out, HasSubstr(std::string(entry.name)));
        EXPECT_THAT(table.out, HasSubstr(causes_of(entry)));
        EXPECT_EQ(listed[i].at("name"), entry.name);
        const nlohmann::json& leaks = listed[i].at("leaks");
        ASSERT_EQ(leaks.size(), entry.leaks.size());
        for (std::size_t leak = 0; leak < leaks.size(); ++leak) {
            EXPECT_EQ(leaks[leak].at("cause"), entry.leaks[leak].cause);
            EXPECT_EQ(leaks[leak].at("statements").size(), entry.leaks[leak].statements.size());
            EXPECT_EQ(leaks[leak].at("places").size(), entry.leaks[leak].places.size());
            EXPECT_EQ(leaks[leak].at("mended_in"), entry.leaks[leak].mended_in);
        }
    }
}

TEST(WorkloadProgram, TellsItsVersion) {
    const ProgramResult version = run({"--version"});
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_THAT(version.out, MatchesRegex("palloscope-workload [0-9.]+\n"));
}

TEST(WorkloadProgram, RefusesAWrongCommandLine) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"unheard-of"},
        {"steady", "--duration", "60"},
        {"steady", "--rate", "0"},
        {"steady", "--sessions", "0"},
        {"steady", "--loops", "many"},
        {"steady", "--accounts", "1"},
        {"partitions", "--partitions", "0"},
        {"plateau", "--tables", "0"},
        {"list", "--format", "xml"},
        {"conjur", "--workers", "0"},
    };
    for (const auto& arguments : wrong) {
        const ProgramResult result = run(arguments);
        EXPECT_EQ(result.exit_code, 2) << fmt::format("{}", fmt::join(arguments, " "));
        EXPECT_EQ(result.out, "");
        EXPECT_NE(result.err, "");
    }
}

TEST(WorkloadProgram, SaysWhyItCannotBegin) {
    const ProgramResult no_server = run({"steady", "--dsn", "host=/nonexistent"});
    EXPECT_EQ(no_server.exit_code, 1);
    EXPECT_THAT(no_server.err, HasSubstr("cannot connect to PostgreSQL"));
    const ProgramResult no_journal = run({"steady", "--journal", "/nonexistent/journal"});
    EXPECT_EQ(no_journal.exit_code, 1);
    EXPECT_THAT(no_journal.err, HasSubstr("cannot open the journal /nonexistent/journal"));
}

// A driver in the background, on a database of its own.
class RunningWorkload : public testing::Test {
  protected:
    Program start(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), workload_program());
        arguments.insert(arguments.end(), {"--dsn", database_.dsn(), "--journal", file_.path()});
        return Program::start(arguments);
    }

    [[nodiscard]] std::vector<Execution> executions() const { return read_journal(file_.text()); }

    [[nodiscard]] bool wait_for_step(const std::string& step, std::ptrdiff_t times = 1) const {
        return eventually([&] {
            const auto all = executions();
            return std::count_if(all.begin(), all.end(), [&](const Execution& execution) {
                       return execution.step == step;
                   }) >= times;
        });
    }

    TestDatabase database_{PostgresServer::shared("15")};
    TemporaryPath file_{"journal"};
};

TEST_F(RunningWorkload, EndsAfterItsLoops) {
    const ProgramResult result = start({"steady", "--loops", "3"}).wait();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out,
              fmt::format("3 loops, {} statements, 0 errors, 0 reconnects\n", executions().size()));
    EXPECT_EQ(result.err, "");
}

TEST_F(RunningWorkload, EndsAfterItsDuration) {
    const ProgramResult result = start({"steady", "--duration", "200ms"}).wait();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_GT(executions().size(), 0U);
}

TEST_F(RunningWorkload, KeepsItsRate) {
    using namespace std::chrono;
    const auto started_at = system_clock::now().time_since_epoch();
    ASSERT_EQ(start({"steady", "--loops", "5", "--rate", "10"}).wait().exit_code, 0);
    std::vector<nanoseconds> begins;
    for (const Execution& execution : executions()) {
        if (execution.step == "transfer/begin") {
            begins.emplace_back(execution.started_at_ns);
        }
    }
    ASSERT_EQ(begins.size(), 5U);
    // Four intervals after the first, which connecting or a busy machine delays and no other.
    EXPECT_GE(begins.back() - started_at, milliseconds(400));
}

// As Conjur's clients do that validate a policy first: all of the load, and nothing of it stays.
TEST_F(RunningWorkload, SendsTheDryRunOfEachOfConjursPolicies) {
    const ProgramResult result =
        start({"conjur", "--dry-run", "--sessions", "1", "--loops", "1"}).wait();
    EXPECT_EQ(result.exit_code, 0);
    const auto all = executions();
    EXPECT_EQ(result.out,
              fmt::format("1 loops, {} statements, 0 errors, 0 reconnects\n", all.size()));
    EXPECT_EQ(result.err, "");
    // What tells a load that stays from its dry run, in their order. A loop has four policies.
    std::string loads;
    for (const Execution& execution : all) {
        if (execution.form.text == "SAVEPOINT dry_run") {
            loads += "dry(";
        } else if (execution.form.text == "ROLLBACK TO SAVEPOINT dry_run") {
            loads += ")";
        } else if (execution.step == "load-policy/insert-version") {
            loads += "load";
        } else if (execution.step == "load-policy/commit") {
            loads += ";";
        }
    }
    EXPECT_EQ(loads, "dry(load);load;dry(load);load;dry(load);load;dry(load);load;");
    EXPECT_EQ(database_.value_of("SELECT count(*) FROM policy_versions"), "4");
}

TEST_F(RunningWorkload, FinishesItsTransactionsWhenAskedToStop) {
    for (const int signal : {SIGINT, SIGTERM}) {
        std::filesystem::remove(file_.path());
        Program workload = start({"conjur", "--sessions", "2"});
        ASSERT_TRUE(wait_for_step("load-policy/commit"));
        workload.send_signal(signal);
        const ProgramResult result = workload.wait();
        EXPECT_EQ(result.exit_code, 0);
        EXPECT_THAT(result.out, HasSubstr(" 0 errors, 0 reconnects\n"));
        for (const std::string session : {"session-1", "session-2"}) {
            const auto all = executions();
            const auto last = std::find_if(all.rbegin(), all.rend(), [&](const Execution& one) {
                return one.session == session;
            });
            ASSERT_NE(last, all.rend());
            EXPECT_THAT(last->step,
                        testing::AnyOf(testing::EndsWith("/commit"), StartsWith("login/")));
        }
    }
}

TEST_F(RunningWorkload, EndsAtOnceAtASecondSignal) {
    ASSERT_EQ(start({"steady", "--loops", "1"}).wait().exit_code, 0);
    auto blocker = palloscope::test::Session::connect(database_.dsn());
    blocker.exec("BEGIN; SELECT FROM steady_branches FOR UPDATE");
    Program workload = start({"steady"});
    ASSERT_TRUE(wait_for_step("transfer/teller", 2));
    workload.send_signal(SIGINT);
    EXPECT_FALSE(workload.wait_for_end_of_output(std::chrono::milliseconds(100)));
    workload.send_signal(SIGINT);
    EXPECT_EQ(workload.wait().exit_code, 130);
}

TEST_F(RunningWorkload, LeavesAJournalOfWholeLinesWhenItIsKilled) {
    Program workload = start({"steady", "--sessions", "4"});
    ASSERT_TRUE(wait_for_step("transfer/commit", 20));
    workload.send_signal(SIGKILL);
    EXPECT_EQ(workload.wait().signal, SIGKILL);
    std::int64_t seq = 0;
    for (const Execution& execution : executions()) {
        EXPECT_EQ(execution.seq, ++seq);
    }
    EXPECT_GE(seq, 160);
}

TEST_F(RunningWorkload, GoesOnAfterALostConnection) {
    Program workload = start({"conjur", "--sessions", "1"});
    ASSERT_TRUE(wait_for_step("load-policy/commit"));
    const int lost = executions().back().backend_pid;
    palloscope::test::Session::connect(database_.dsn())
        .exec(fmt::format("SELECT pg_terminate_backend({})", lost));
    ASSERT_TRUE(eventually([&] {
        const auto all = executions();
        return std::any_of(all.begin(), all.end(), [lost](const Execution& execution) {
            return execution.backend_pid != lost && execution.step == "load-policy/commit";
        });
    }));
    workload.send_signal(SIGINT);
    const ProgramResult result = workload.wait();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr(" 1 errors, 1 reconnects\n"));
    EXPECT_THAT(result.err, HasSubstr("the loop begins anew"));

    // The statement that met it is noted, and the loop begun again from its beginning.
    const auto all = executions();
    const auto failed = std::find_if(all.begin(), all.end(), [](const Execution& execution) {
        return execution.error.has_value();
    });
    ASSERT_NE(failed, all.end());
    EXPECT_THAT(*failed->error, testing::AnyOf("57P01", "08006"));
    ASSERT_NE(std::next(failed), all.end());
    EXPECT_EQ(std::next(failed)->step, "login/key");
}

TEST_F(RunningWorkload, StopsWhereItsJournalCannotBeWritten) {
    const ProgramResult result =
        run({"steady", "--dsn", database_.dsn(), "--journal", "/dev/full"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("cannot write the journal /dev/full: No space left"));
}

// Listens where `palloscope record --statements step:SOCKET` would, and answers one connection.
class FakeInspector {
  public:
    explicit FakeInspector(const std::string& path)
        : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(std::begin(address.sun_path), sizeof address.sun_path - 1);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        EXPECT_EQ(bind(listener_.get(), generic, sizeof address), 0);
        EXPECT_EQ(listen(listener_.get(), 1), 0);
    }

    // Answers so many lines and goes away. Gives them.
    std::vector<std::string> answer(std::size_t count) {
        const Descriptor peer(accept(listener_.get(), nullptr, nullptr));
        std::vector<std::string> lines;
        while (lines.size() < count) {
            lines.push_back(read_line(peer));
            const auto asked = nlohmann::json::parse(lines.back());
            nlohmann::json reply = {{"snapshot", true}};
            if (asked.contains("seq")) {
                reply["seq"] = asked["seq"];
            }
            const std::string text = reply.dump() + '\n';
            EXPECT_EQ(write(peer.get(), text.data(), text.size()),
                      static_cast<ssize_t>(text.size()));
        }
        return lines;
    }

  private:
    static std::string read_line(const Descriptor& peer) {
        std::string line;
        for (char byte = 0; byte != '\n' && read(peer.get(), &byte, 1) == 1;) {
            line += byte;
        }
        return line;
    }

    Descriptor listener_;
};

TEST_F(RunningWorkload, WaitsForTheInspectorAfterEachStatementAndGoesOnWithoutIt) {
    const TemporaryPath socket("step");
    Program workload = start({"steady", "--loops", "5", "--step", socket.path()});
    std::vector<std::string> lines;
    {
        // The driver waits until it is there.
        FakeInspector inspector(socket.path());
        lines = inspector.answer(/*count=*/10);
    }
    const ProgramResult result = workload.wait();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err,
              "palloscope-workload: the inspector closed the stepping socket; going on without "
              "stepping\n");
    const auto hello = nlohmann::json::parse(lines.at(0));
    EXPECT_EQ(hello.at("hello"), "palloscope.step/1");
    EXPECT_EQ(hello.at("session"), "session");
    // What it is told is what the journal says of this session.
    std::string journalled = file_.text();
    journalled.erase(0, journalled.find(lines.at(1)));
    std::string told;
    for (std::size_t line = 1; line < lines.size(); ++line) {
        EXPECT_EQ(nlohmann::json::parse(lines[line]).at("backend_pid"), hello.at("backend_pid"));
        told += lines[line];
    }
    EXPECT_THAT(journalled, StartsWith(told));
    const auto all = executions();
    EXPECT_EQ(std::count_if(all.begin(),
                            all.end(),
                            [](const Execution& one) { return one.step == "transfer/commit"; }),
              5);
}

}  // namespace
}  // namespace palloscope::workload
