#include <algorithm>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "tests/support/backend_watch.hpp"
#include "tests/torture/kill_trials.hpp"

namespace {

using palloscope::test::KillTrialsResult;
using palloscope::test::kQuietLog;
using palloscope::test::PostgresServer;

constexpr const char* kUsage =
    "usage: kill_torture [TRIALS [VERSION [SEED]]]\n"
    "Kills palloscope snapshot --method call at random moments and looks for harm done to the\n"
    "backend. Defaults: 500 trials, version 15, a random seed, which is printed.\n";

int torture(const std::vector<std::string>& arguments) {
    const auto argument = [&](std::size_t position, const std::string& otherwise) {
        return arguments.size() > position ? arguments.at(position) : otherwise;
    };
    const int trials = std::stoi(argument(0, "500"));
    const std::string version = argument(1, "15");
    const auto seed = std::stoull(argument(2, std::to_string(std::random_device{}())));
    const PostgresServer server = PostgresServer::start(version, kQuietLog);
    const KillTrialsResult result = palloscope::test::run_kill_trials(server, "call", trials, seed);
    fmt::print("PostgreSQL {}, seed {}: {}\n", version, seed, result.summary());
    return result.harms.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() > 3 ||
        std::any_of(arguments.begin(), arguments.end(), [](const auto& text) {
            return text.starts_with("-");
        })) {
        fmt::print(stderr, "{}", kUsage);
        return 2;
    }
    try {
        return torture(arguments);
    } catch (const std::exception& error) {
        fmt::print(stderr, "kill_torture: {}\n", error.what());
        return 1;
    }
}
