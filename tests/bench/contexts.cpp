// How cost grows with the number of contexts: the same backend with 2,000, 20,000 and 100,000 of
// them, by each method. Nothing may grow faster than they do.

#include <cstdio>
#include <exception>
#include <string>

#include <fmt/core.h>

#include "tests/bench/methods.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"

namespace palloscope::test {
namespace {

constexpr int kTables = 100;
constexpr int kSnapshots = 20;
// The goals of issue 3 at 100,000 contexts.
constexpr double kFreezeUs = 40'000;
constexpr double kForkUs = 15'000;

double rss_anon_mb(Session& session) {
    const ProgramResult listed =
        run_program({"grep", "RssAnon", fmt::format("/proc/{}/status", session.backend_pid())});
    return std::stod(listed.out.substr(listed.out.find(':') + 1)) / 1024;
}

void measure(Session& session, std::chrono::milliseconds interval, bool largest) {
    const double anon = rss_anon_mb(session);
    for (const std::string method : {"read", "freeze", "fork", "call"}) {
        const MethodCost cost =
            measure_method(session, method, kSnapshots, interval, /*busy=*/false);
        const double goal = !largest             ? 0
                            : method == "freeze" ? kFreezeUs
                            : method == "fork"   ? kForkUs
                                                 : 0;
        const auto contexts = static_cast<double>(cost.contexts);
        fmt::print("{:>8} {:>8.0f} {:<7} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.3f} {}\n",
                   cost.contexts,
                   anon,
                   method,
                   cost.pause_us(0.5),
                   cost.pause_us(1),
                   cost.cpu_us,
                   static_cast<double>(cost.peak_kb) / 1024,
                   cost.pause_us(0.5) / contexts,
                   goal == 0                    ? ""
                   : cost.pause_us(0.5) <= goal ? "goal met"
                                                : "goal MISSED");
    }
}

void measure_growth() {
    const PostgresServer server = PostgresServer::start("15");
    Session session = Session::connect(server.dsn());
    fmt::print("Pause and CPU a snapshot in us, peak memory of palloscope in MB\n");
    fmt::print("{:>8} {:>8} {:<7} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
               "contexts",
               "anon MB",
               "method",
               "median",
               "longest",
               "CPU",
               "memory",
               "/context");
    make_contexts(session, kTables, 850);
    measure(session, std::chrono::milliseconds(200), /*largest=*/false);
    session.exec(
        "do $$ begin for i in 1..9000 loop execute format('prepare m%s as select value, %s from "
        "t%s "
        "where id = %s', i, i, i % 100, i); end loop; end $$");
    measure(session, std::chrono::milliseconds(500), /*largest=*/false);
    session.exec(
        "do $$ begin for i in 10000..49999 loop execute format('prepare m%s as select value, %s "
        "from "
        "t%s where id = %s', i, i, i % 100, i); end loop; end $$",
        std::chrono::minutes(2));
    measure(session, std::chrono::milliseconds(2000), /*largest=*/true);
}

}  // namespace
}  // namespace palloscope::test

int main() {
    try {
        palloscope::test::measure_growth();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "contexts: {}\n", error.what());
        return 1;
    }
}
