#include "tests/bench/methods.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <fmt/core.h>

#include "inspector/recording/reader.hpp"
#include "tests/bench/latency_probe.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

namespace {

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

rusage usage_of_children() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage;
}

}  // namespace

double MethodCost::pause_us(double quantile) const {
    const auto last = static_cast<double>(pauses_us.size() - 1);
    return pauses_us.at(static_cast<std::size_t>(quantile * last));
}

MethodCost measure_method(Session& session,
                          const std::string& method,
                          int snapshots,
                          std::chrono::milliseconds interval,
                          bool busy) {
    const TemporaryFolder folder;
    const std::string file = (folder.path() / "cost.palloscope").string();
    const std::chrono::milliseconds duration = interval * snapshots;
    const std::vector<std::string> command{palloscope_program(),
                                           "record",
                                           std::to_string(session.backend_pid()),
                                           "--method",
                                           method,
                                           "--interval",
                                           fmt::format("{}ms", interval.count()),
                                           "--duration",
                                           fmt::format("{}ms", duration.count()),
                                           "--output",
                                           file};
    MethodCost cost{.method = method};
    std::optional<LatencyProbe> probe;
    if (busy) {
        probe.emplace(session);
    }
    const rusage before = usage_of_children();
    const ProgramResult result = run_program(command, {}, duration + std::chrono::minutes(2));
    const rusage after = usage_of_children();
    if (probe) {
        cost.longest_gap = probe->stop();
    }
    if (result.exit_code != 0) {
        throw std::runtime_error(command.front() + " failed: " + result.err);
    }
    std::size_t taken = 0;
    const auto notes = for_each_snapshot(file, [&](const Snapshot& snapshot) -> Result<> {
        cost.contexts = snapshot.tree.contexts.size();
        if (taken++ > 0) {
            cost.pauses_us.push_back(snapshot.pause_us);
        }
        return {};
    });
    if (!notes || cost.pauses_us.empty()) {
        throw std::runtime_error("no snapshot of method " + method + ": " + result.out);
    }
    std::ranges::sort(cost.pauses_us);
    const double cpu_seconds = seconds_of(after.ru_utime) - seconds_of(before.ru_utime) +
                               seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
    cost.cpu_us = cpu_seconds * 1e6 / static_cast<double>(taken);
    cost.peak_kb = after.ru_maxrss;
    return cost;
}

void make_contexts(Session& session, int tables, int prepared_statements) {
    session.exec("SET client_min_messages = error");
    for (int table = 0; table < tables; ++table) {
        const std::string name = fmt::format("t{}", table);
        session.exec("CREATE TABLE " + name + " (id int PRIMARY KEY, value text UNIQUE)");
        session.exec("SELECT value FROM " + name + " WHERE id = 1");
    }
    for (int statement = 0; statement < prepared_statements; ++statement) {
        session.exec(fmt::format("PREPARE s{} AS SELECT value FROM t{} WHERE id = {}",
                                 statement,
                                 statement % tables,
                                 statement));
    }
}

}  // namespace palloscope::test
