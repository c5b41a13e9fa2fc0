// palloscope diff: of two files, of a recording and a file, of a backend with itself.

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// /proc/PID/status, SigCgt.
bool catches(pid_t pid, int signal) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    std::string line;
    while (std::getline(status, line)) {
        if (line.starts_with("SigCgt:")) {
            return (std::stoull(line.substr(line.find('\t') + 1), nullptr, 16) >> (signal - 1) &
                    1) != 0;
        }
    }
    return false;
}

class Diff : public testing::Test {
  protected:
    [[nodiscard]] std::string pid() const { return std::to_string(session_.backend_pid()); }

    [[nodiscard]] static ProgramResult palloscope(const std::vector<std::string>& arguments) {
        std::vector<std::string> command{palloscope_program()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_program(command);
    }

    // The file of a snapshot taken now.
    [[nodiscard]] std::string snapshot(const std::string& name) const {
        std::string path = folder_.path() / name;
        const ProgramResult taken = palloscope({"snapshot", pid(), "--format", "json"});
        EXPECT_EQ(taken.exit_code, 0) << taken.err;
        std::ofstream(path) << taken.out;
        return path;
    }

    void prepare(int statements) {
        for (int i = 0; i < statements; ++i) {
            session_.exec(fmt::format("PREPARE p_{} AS SELECT 1", prepared_++));
        }
    }

    TemporaryFolder folder_;
    Session session_ = Session::connect(PostgresServer::shared("15").dsn());
    int prepared_ = 0;
};

TEST_F(Diff, TellsWhatGrewBetweenTwoSnapshots) {
    const std::string before = snapshot("before.json");
    prepare(20);
    const std::string after = snapshot("after.json");
    const ProgramResult text = palloscope({"diff", before, after});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("CachedPlanSource"));
    const ProgramResult as_json = palloscope({"diff", before, after, "--format", "json"});
    const json difference = json::parse(as_json.out);
    for (const auto& [side, path] : {std::pair("before", before), std::pair("after", after)}) {
        const json snapshot = json::parse(std::ifstream(path));
        EXPECT_EQ(difference.at(side).at("used_bytes"),
                  snapshot.at("grand_total").at("used_bytes"));
    }
    EXPECT_GT(difference.at("after").at("used_bytes"), difference.at("before").at("used_bytes"));
    EXPECT_FALSE(difference.at("changes").empty());
}

TEST_F(Diff, ReadsRecordings) {
    const std::string before = snapshot("before.json");
    prepare(20);
    const std::string recording = folder_.path() / "run.palloscope";
    const ProgramResult recorded = palloscope(
        {"record", pid(), "--output", recording, "--interval", "50ms", "--duration", "500ms"});
    ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
    const ProgramResult text = palloscope({"diff", before, recording});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("CachedPlanSource"));
}

TEST_F(Diff, ComparesABackendWithItself) {
    Program program = Program::start({palloscope_program(), "diff", pid(), "--after", "1h"});
    // Until the first look was taken, and grown by then: an interrupt shows the second one.
    ASSERT_TRUE(eventually([&] {
        prepare(20);
        return catches(program.pid(), SIGINT);
    }));
    prepare(20);
    program.send_signal(SIGINT);
    const ProgramResult interrupted = program.wait();
    EXPECT_EQ(interrupted.exit_code, 130) << interrupted.err;
    EXPECT_THAT(interrupted.out, HasSubstr("CachedPlanSource"));
}

TEST_F(Diff, NamesTheFileThatIsNoSnapshot) {
    const std::string before = snapshot("before.json");
    const std::string broken = folder_.path() / "broken.json";
    std::ofstream(broken) << "{}";
    const ProgramResult result = palloscope({"diff", before, broken});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr(broken));
    EXPECT_EQ(palloscope({"diff", before, "/nowhere.json"}).exit_code, 1);
    EXPECT_EQ(palloscope({"diff", before}).exit_code, 2);
}

}  // namespace
}  // namespace palloscope::test
