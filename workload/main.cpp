#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stop_token>
#include <thread>
#include <variant>

#include <fmt/core.h>

#include "attach/error.hpp"
#include "workload/command_line.hpp"
#include "workload/driver.hpp"
#include "workload/stop_signals.hpp"
#include "workload/warning.hpp"

namespace palloscope::workload {

namespace {

int exit_code(const Error& error) {
    switch (error.kind) {
        case Error::Kind::kUsage:
            return 2;
        case Error::Kind::kPermission:
            return 4;
        default:
            return 1;
    }
}

int fail(const Error& error) {
    warn(error.message);
    if (!error.hint.empty()) {
        warn(error.hint);
    }
    return exit_code(error);
}

void print_totals(std::FILE* stream, const Counters& counters, const char* end) {
    const std::uint64_t upkeeps = counters.upkeeps;
    fmt::print(stream,
               "{} loops, {} statements, {} errors, {} reconnects{}{}",
               counters.loops.load(),
               counters.statements.load(),
               counters.errors.load(),
               counters.reconnects.load(),
               upkeeps > 0 ? fmt::format(", {} upkeeps", upkeeps) : "",
               end);
    std::fflush(stream);
}

int run(Run run) {
    auto signals = StopSignals::catch_them();
    if (!signals) {
        return fail(signals.error());
    }
    Counters counters;
    std::stop_source stop;
    Result<> result;
    std::jthread driver([&] {
        result = drive(*run.scenario, run.options, counters, stop.get_token());
        signals->finish();
    });
    const bool show_progress = run.progress || isatty(STDERR_FILENO) != 0;
    signals->wait(stop, [&] {
        if (show_progress) {
            print_totals(stderr, counters, "\r");
        }
    });
    driver.join();
    print_totals(stdout, counters, "\n");
    // A user who asks us to stop gets what was asked for.
    const bool done = result || result.error().kind == Error::Kind::kInterrupted;
    return done ? 0 : fail(result.error());
}

}  // namespace

}  // namespace palloscope::workload

int main(int argc, char** argv) {
    using namespace palloscope::workload;
    try {
        auto parsed = parse_command_line(argc, argv);
        if (const auto* answered = std::get_if<Answered>(&parsed)) {
            return answered->exit_code;
        }
        return run(std::get<Run>(std::move(parsed)));
    } catch (const std::exception& error) {
        warn(error.what());
        return 1;
    }
}
