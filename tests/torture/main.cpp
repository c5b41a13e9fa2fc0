#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "tests/support/backend_watch.hpp"
#include "tests/torture/kill_trials.hpp"
#include "tests/torture/under_fire.hpp"

namespace {

using palloscope::Method;
using palloscope::test::KillTrialsResult;
using palloscope::test::kQuietLog;
using palloscope::test::PostgresServer;
using palloscope::test::UnderFireResult;

constexpr const char* kUsage =
    "usage: torture kill METHOD TRIALS VERSION\n"
    "       torture fire METHOD SNAPSHOTS VERSION\n"
    "kill: ends palloscope snapshot with SIGKILL at random moments, and looks for harm done to "
    "the\n"
    "backend. fire: takes snapshots of backends that never rest, and looks for harm and for trees\n"
    "that are not what MemoryContextStats says. One line of result; exit code 1 on any harm.\n";

int kill(Method method, int trials, const std::string& version) {
    const auto seed = std::random_device{}();
    const PostgresServer server = PostgresServer::start(version, kQuietLog);
    const KillTrialsResult result =
        palloscope::test::run_kill_trials(server, std::string(to_string(method)), trials, seed);
    fmt::print(
        "PostgreSQL {}, {}, seed {}: {}\n", version, to_string(method), seed, result.summary());
    return result.harms.empty() ? 0 : 1;
}

int fire(Method method, int snapshots, const std::string& version) {
    const PostgresServer server = PostgresServer::start(version, kQuietLog);
    const UnderFireResult result = palloscope::test::run_under_fire(server, method, snapshots);
    fmt::print("PostgreSQL {}, {}\n", version, result.summary(method));
    return result.harms.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const auto method =
        arguments.size() == 4 ? palloscope::method_from(arguments[1]) : std::nullopt;
    if (!method || (arguments[0] != "kill" && arguments[0] != "fire")) {
        fmt::print(stderr, "{}", kUsage);
        return 2;
    }
    try {
        const int count = std::stoi(arguments[2]);
        return arguments[0] == "kill" ? kill(*method, count, arguments[3])
                                      : fire(*method, count, arguments[3]);
    } catch (const std::exception& error) {
        fmt::print(stderr, "torture: {}\n", error.what());
        return 1;
    }
}
