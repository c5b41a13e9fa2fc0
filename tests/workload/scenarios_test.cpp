#include <algorithm>
#include <cstddef>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/statements/form.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/workload/driver_fixture.hpp"
#include "workload/client.hpp"
#include "workload/driver.hpp"
#include "workload/journal.hpp"
#include "workload/session_pool.hpp"

// The scenarios on real servers, and the growth that they are made for.
namespace palloscope::workload {
namespace {

using palloscope::test::kVersionName;
using palloscope::test::PostgresServer;
using palloscope::test::server_versions;
using test::make_scenario;
using test::read_journal;
using test::TemporaryPath;
using test::TestDatabase;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A run of a few loops, and its journal.
struct ShortRun {
    Result<> result;
    std::vector<Execution> executions;
    std::string journal;
};

ShortRun run(const std::string& scenario, DriverOptions options) {
    const TemporaryPath file("journal");
    options.journal_path = file.path();
    options.application_name = "short run";  // others record Conjur's
    Counters counters;
    ShortRun run;
    run.result = drive(*make_scenario(scenario), options, counters, std::stop_token());
    run.journal = file.text();
    run.executions = read_journal(run.journal);
    return run;
}

std::set<std::string> sessions_of(const ShortRun& run) {
    std::set<std::string> sessions;
    for (const Execution& execution : run.executions) {
        if (execution.session != "set-up") {
            sessions.insert(execution.session);
        }
    }
    return sessions;
}

class EachScenario : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         EachScenario,
                         testing::ValuesIn(server_versions()),
                         kVersionName);

bool has_jit(const TestDatabase& database) {
    return database.value_of("SELECT count(*) FROM pg_proc WHERE proname = 'pg_jit_available'") !=
               "0" &&
           database.value_of("SET jit = on; SELECT pg_jit_available()") == "t";
}

TEST_P(EachScenario, RunsWithoutAFailedStatementTwiceOver) {
    const TestDatabase database(PostgresServer::shared(GetParam()));
    for (const ScenarioEntry& entry : scenarios()) {
        if (entry.name == "jit" && !has_jit(database)) {
            continue;  // see SaysThatAServerHasNoJit
        }
        for (int time = 0; time < 2; ++time) {
            const ShortRun done =
                run(std::string(entry.name), {.conninfo = database.dsn(), .loops = 2, .seed = 1});
            ASSERT_TRUE(done.result) << entry.name << ": " << done.result.error().message;
            EXPECT_GT(done.executions.size(), 10U) << entry.name;
            for (const Execution& execution : done.executions) {
                EXPECT_EQ(execution.error, std::nullopt) << entry.name << ": " << execution.step;
            }
        }
    }
}

TEST(Jit, SaysThatAServerHasNoJit) {
    const TestDatabase database(PostgresServer::shared("10"));
    ASSERT_FALSE(has_jit(database));
    const ShortRun done = run("jit", {.conninfo = database.dsn(), .loops = 1});
    ASSERT_FALSE(done.result);
    EXPECT_THAT(done.result.error().message, HasSubstr("pg_jit_available() is false"));
}

TEST_P(EachScenario, OfConjurLoadsItsPoliciesAndLeavesNoSchema) {
    const TestDatabase database(PostgresServer::shared(GetParam()));
    const ShortRun done =
        run("conjur", {.conninfo = database.dsn(), .loops = 2, .sessions = 1, .seed = 1});
    ASSERT_TRUE(done.result) << done.result.error().message;
    EXPECT_EQ(database.value_of(
                  "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'policy\\_loader%'"),
              "0");
    // A loop: a safe, a branch and two accounts; three groups and policies and hosts; six secrets.
    EXPECT_EQ(database.value_of("SELECT count(*) FROM policy_versions"), "8");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM policy_versions WHERE finished_at IS NULL"),
              "0");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM secrets"), "12");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM roles WHERE kind(role_id) = 'host'"), "2");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM credentials"), "3");
    // Everything is logged, searchable, owned and within the administrator's reach.
    EXPECT_EQ(database.value_of("SELECT count(*) FROM policy_log WHERE kind = 'roles'"), "10");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM resources_textsearch"
                                " WHERE textsearch @@ to_tsquery('simple', 'secret')"),
              "12");
    EXPECT_EQ(database.value_of("SELECT count(*) FROM resources AS r WHERE NOT EXISTS (SELECT FROM"
                                " visible_resources('demo:user:admin') AS v"
                                " WHERE v.resource_id = r.resource_id)"),
              "0");
}

TEST(Conjur, KeepsItsSecretsOutOfTheJournal) {
    const TestDatabase database(PostgresServer::shared("15"));
    const ShortRun done = run("conjur", {.conninfo = database.dsn(), .loops = 1, .sessions = 1});
    ASSERT_TRUE(done.result) << done.result.error().message;
    // They were sent …
    EXPECT_THAT(database.value_of("SELECT convert_from(value, 'UTF8') FROM secrets"),
                StartsWith("s3cr3t-"));
    // … but not noted.
    EXPECT_THAT(done.journal, Not(HasSubstr("s3cr3t-")));
    EXPECT_THAT(done.journal, Not(HasSubstr("safe-")));
}

TEST(Conjur, DoesNearlyAllItsWorkInOneConnectionOfEachWorker) {
    const TestDatabase database(PostgresServer::shared("15"));
    const ShortRun done = run("conjur", {.conninfo = database.dsn(), .loops = 3});
    ASSERT_TRUE(done.result) << done.result.error().message;
    EXPECT_THAT(sessions_of(done), testing::IsSupersetOf({"worker-0/1", "worker-1/1"}));
    EXPECT_LE(sessions_of(done).size(), 4U);
}

TEST(Conjur, WorksInAsManyConnectionsAsAreAskedFor) {
    const TestDatabase database(PostgresServer::shared("15"));
    const ShortRun done = run("conjur", {.conninfo = database.dsn(), .loops = 1, .sessions = 3});
    ASSERT_TRUE(done.result) << done.result.error().message;
    EXPECT_EQ(sessions_of(done), (std::set<std::string>{"session-1", "session-2", "session-3"}));
    for (const Execution& execution : done.executions) {
        EXPECT_EQ(execution.error, std::nullopt) << execution.step;
    }
}

TEST(Conjur, LeavesTheDatabaseOfSomebodyElseAlone) {
    const TestDatabase database(PostgresServer::shared("15"));
    static_cast<void>(database.value_of("CREATE TABLE roles (role_id text); SELECT 1"));
    const ShortRun done = run("conjur", {.conninfo = database.dsn(), .loops = 1});
    ASSERT_FALSE(done.result);
    EXPECT_THAT(done.result.error().message, HasSubstr("public.roles that is not ours"));
}

TEST(Steady, DoesNotLetItsHistoryGrowWithoutEnd) {
    const TestDatabase database(PostgresServer::shared("15"));
    const DriverOptions options{.conninfo = database.dsn(), .loops = 2};
    ASSERT_TRUE(run("steady", options).result);
    EXPECT_EQ(database.value_of("SELECT setval('steady_history_history_id_seq', 30000)"), "30000");
    ASSERT_TRUE(run("steady", options).result);
    EXPECT_EQ(database.value_of("SELECT count(*) FROM steady_history"), "2");
}

// One session that runs a scenario's loops, and is asked for its own memory in between.
class Growth {
  public:
    Growth(const std::string& scenario, const TestDatabase& database)
        : scenario_(make_scenario(scenario)),
          pool_({.conninfo = database.dsn(), .name = "session-1"},
                /*size=*/1,
                Upkeep{},
                bookkeeping_),
          client_({&pool_}, /*seed=*/1, std::stop_token()) {
        auto session = Session::open({.conninfo = database.dsn(), .name = "set-up"}, bookkeeping_);
        EXPECT_TRUE(session && scenario_->set_up(*session));
    }

    void loop(int loops) {
        for (int count = 0; count < loops; ++count) {
            const auto done = scenario_->loop(client_);
            ASSERT_TRUE(done) << done.error().message;
        }
    }

    // Bytes by place (see Leak): those in use in the contexts of each name, and RssAnon for each
    // item of the accounting.
    class Bytes {
      public:
        explicit Bytes(std::map<std::string, double> bytes) : bytes_(std::move(bytes)) {}

        [[nodiscard]] double in(std::string_view place) const {
            const auto found =
                bytes_.find(place.starts_with("malloc") ? "RssAnon" : std::string(place));
            return found == bytes_.end() ? 0 : found->second;
        }

        [[nodiscard]] double in_all_contexts() const {
            double all = 0;
            for (const auto& [name, bytes] : bytes_) {
                all += name.starts_with("Rss") ? 0 : bytes;
            }
            return all;
        }

      private:
        std::map<std::string, double> bytes_;
    };

    Bytes bytes() {
        auto session = client_.session();
        const auto rows = (*session)->run("memory",
                                          "SELECT name, sum(used_bytes)"
                                          " FROM pg_backend_memory_contexts GROUP BY name");
        std::map<std::string, double> bytes;
        for (int row = 0; row < rows->count(); ++row) {
            bytes[std::string(rows->value(row, 0))] = std::stod(std::string(rows->value(row, 1)));
        }
        std::ifstream status(fmt::format("/proc/{}/status", (*session)->backend_pid()));
        for (std::string line; std::getline(status, line);) {
            for (const std::string name : {"RssAnon", "RssShmem"}) {
                if (line.starts_with(name + ":")) {
                    bytes[name] = 1024 * std::stod(line.substr(name.size() + 1));
                }
            }
        }
        return Bytes(std::move(bytes));
    }

    // Of the statements that it has sent.
    [[nodiscard]] std::set<std::string> families() const {
        std::set<std::string> families;
        for (const Execution& execution : read_journal(file_.text())) {
            families.insert(statement_form(execution.form.text).family);
        }
        return families;
    }

  private:
    TemporaryPath file_{"growth"};
    Journal journal_{std::move(*Journal::open(file_.path()))};
    Counters counters_;
    Bookkeeping bookkeeping_{.journal = journal_, .counters = counters_};
    std::unique_ptr<Scenario> scenario_;
    SessionPool pool_;
    Client client_;
};

class LeakingScenario : public testing::TestWithParam<std::string> {};

class ControlScenario : public testing::TestWithParam<std::string> {};

// The names of the scenarios that leak, or of the controls.
std::vector<std::string> scenario_names(bool leaking) {
    std::vector<std::string> names;
    for (const ScenarioEntry& entry : scenarios()) {
        if (entry.leaks.empty() != leaking) {
            names.emplace_back(entry.name);
        }
    }
    return names;
}

constexpr auto kScenarioName = [](const auto& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
};

INSTANTIATE_TEST_SUITE_P(Leaking,
                         LeakingScenario,
                         testing::ValuesIn(scenario_names(/*leaking=*/true)),
                         kScenarioName);
INSTANTIATE_TEST_SUITE_P(Controls,
                         ControlScenario,
                         testing::ValuesIn(scenario_names(/*leaking=*/false)),
                         kScenarioName);

TEST_P(LeakingScenario, SendsItsStatementsAndGrowsAtItsPlaces) {
    const TestDatabase database(PostgresServer::shared("15"));
    Growth growth(GetParam(), database);
    const std::map<std::string, int> loops_of = {
        {"conjur", 3}, {"jit", 10}, {"deferred-triggers", 200},  // it grows by chunks of up to 1 MB
    };
    const int loops = loops_of.contains(GetParam()) ? loops_of.at(GetParam()) : 60;
    growth.loop(loops / 2);
    const Growth::Bytes begin = growth.bytes();
    growth.loop(loops);
    const Growth::Bytes middle = growth.bytes();
    growth.loop(loops);
    const Growth::Bytes end = growth.bytes();
    constexpr double kBytesALoop = 50;
    const auto entry = std::ranges::find(scenarios(), GetParam(), &ScenarioEntry::name);
    for (const Leak& leak : entry->leaks) {
        for (const std::string_view place : leak.places) {
            EXPECT_GT(middle.in(place)-begin.in(place), kBytesALoop * loops) << place;
            EXPECT_GT(end.in(place)-middle.in(place), kBytesALoop * loops) << place;
        }
        for (const std::string_view statement : leak.statements) {
            EXPECT_THAT(growth.families(), testing::Contains(std::string(statement)));
        }
    }
}

TEST_P(ControlScenario, LeaksNothingOnceItIsWarm) {
    const TestDatabase database(PostgresServer::shared("15"));
    Growth growth(GetParam(), database);
    const int loops = GetParam() == "big-sort" ? 20 : 300;
    growth.loop(loops / 2);
    const Growth::Bytes warm = growth.bytes();
    growth.loop(loops);
    const Growth::Bytes end = growth.bytes();
    EXPECT_NEAR(end.in_all_contexts(), warm.in_all_contexts(), 20000);
    EXPECT_LT(end.in("RssAnon") - warm.in("RssAnon"), 4 << 20U);
}

TEST(SharedBuffers, TouchesThePagesOfItsTable) {
    const TestDatabase database(PostgresServer::shared("15"));
    Growth growth("shared-buffers", database);
    growth.loop(5);
    const Growth::Bytes begin = growth.bytes();
    growth.loop(60);
    EXPECT_GT(growth.bytes().in("RssShmem") - begin.in("RssShmem"), 2 << 20U);
}

TEST(Plateau, GrowsUntilItHasReadEveryTable) {
    const TestDatabase database(PostgresServer::shared("15"));
    Growth growth("plateau", database);
    growth.loop(5);
    const Growth::Bytes begin = growth.bytes();
    growth.loop(60);
    EXPECT_GT(growth.bytes().in_all_contexts() - begin.in_all_contexts(), 150000);
}

TEST(Conjur, LeaksAStraightLineInTheCaches) {
    const TestDatabase database(PostgresServer::shared("15"));
    Growth growth("conjur", database);
    growth.loop(10);
    std::vector<double> line = {growth.bytes().in("CacheMemoryContext")};
    for (int part = 0; part < 3; ++part) {
        growth.loop(10);
        line.push_back(growth.bytes().in("CacheMemoryContext"));
    }
    constexpr double kLoadsAPart = 40;
    const double cache_per_load = (line.at(3) - line.at(0)) / (3 * kLoadsAPart);
    EXPECT_GT(cache_per_load, 4000);
    for (std::size_t part = 1; part < line.size(); ++part) {
        EXPECT_NEAR((line.at(part) - line.at(part - 1)) / kLoadsAPart,
                    cache_per_load,
                    0.3 * cache_per_load);
    }
}

}  // namespace
}  // namespace palloscope::workload
