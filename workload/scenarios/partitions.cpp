#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: CacheMemoryContext by 6430 bytes and "index info" by 1020 per partition read for the
// first time.
namespace palloscope::workload {

namespace {

// Days in one partition of the first level. The more partitions a table has, the longer it takes to
// make the next one; and each needs locks, which come from one table of the server
// (max_locks_per_transaction).
constexpr std::size_t kDaysTogether = 100;

// {0} and {1} are the first and the last day, {2} the first of the next ones. PostgreSQL 10 has no
// indexes on a partitioned table.
constexpr const char* kMakePartitions =
    "DO $$ BEGIN"
    " EXECUTE 'CREATE TABLE IF NOT EXISTS measurements_from_{0} PARTITION OF measurements"
    " FOR VALUES FROM ({0}) TO ({2}) PARTITION BY RANGE (day)';"
    " FOR day IN {0}..{1} LOOP"
    " IF to_regclass('measurements_' || day) IS NULL THEN"
    " EXECUTE format('CREATE TABLE measurements_%s PARTITION OF measurements_from_{0}"
    " FOR VALUES FROM (%s) TO (%s)', day, day, day + 1);"
    " EXECUTE format('CREATE INDEX ON measurements_%s (sensor_id)', day);"
    " END IF; END LOOP; END $$";

class Partitions final : public Application {
  public:
    Partitions() : Application("partitions") {}

    void add_options(CLI::App& command) override {
        command.add_option("--partitions", partitions_, "Partitions of the table, one a day")
            ->check(CLI::Range(std::size_t{1}, std::size_t{100000}))
            ->capture_default_str();
    }

    [[nodiscard]] Result<> set_up(Session& session) override {
        Result<> made = Application::set_up(session);
        for (std::size_t first = 1; made && first <= partitions_; first += kDaysTogether) {
            const std::size_t last = std::min(first + kDaysTogether - 1, partitions_);
            made = set_up_alone(
                session,
                {{"set-up/partitions",
                  fmt::format(fmt::runtime(kMakePartitions), first, last, first + kDaysTogether)}});
        }
        return made;
    }

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define",
                 "CREATE TABLE IF NOT EXISTS measurements (day integer NOT NULL,"
                 " sensor_id integer NOT NULL, value real) PARTITION BY RANGE (day)"}};
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t days = random.below(4); done && days > 0; --days) {
            const std::size_t day = 1 + next_day_++ % partitions_;
            done = session
                       .run("archive/day",
                            fmt::format("SELECT count(*), max(value) FROM measurements_{}"
                                        " WHERE sensor_id < {}",
                                        day,
                                        random.below(100)))
                       .map([](const Rows&) {});
        }
        return done;
    }

  private:
    std::size_t partitions_ = 4000;
    std::atomic<std::uint64_t> next_day_{0};
};

}  // namespace

ScenarioEntry partitions_scenario() {
    return {
        .name = "partitions",
        .summary = "A table of thousands of partitions, read one after the other",
        .explanation =
            "Made to show the cause catalog-breadth. A loop reads up to three partitions of a "
            "table that has one for each day, by their names, in their order. For each one that "
            "it has touched, the backend keeps a relcache entry, those of its index and entries "
            "of the catalog caches. Once every partition was read, nothing grows any more: raise "
            "--partitions for a longer run.",
        .leaks = {{.cause = "catalog-breadth",
                   .statements = {"SELECT count(*), max(value) FROM measurements_* WHERE sensor_id "
                                  "< $1"},
                   .places = {"CacheMemoryContext", "index info"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Partitions>()); },
    };
}

}  // namespace palloscope::workload
