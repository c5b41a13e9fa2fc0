// The diagnosis of recordings with a snapshot after each statement.

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

// A load whose every statement has a snapshot of its own: CREATE TABLE takes what DROP SCHEMA gives
// back but for what stays.
SyntheticBackend stepped_loads(int loads, double stays) {
    SyntheticBackend backend;
    double now = 0;
    backend.snapshot(now);
    const auto step = [&](const std::string& query,
                          const std::string& family,
                          double bytes,
                          const std::string& state) {
        now += 0.01;
        backend.run(now, query, family, kCatalogCache, bytes);
        now += 0.01;
        backend.snapshot(now, state);
    };
    for (int number = 0; number < loads; ++number) {
        const std::string schema = fmt::format("policy_loader_{:08x}", number);
        const std::string family = "policy_loader_*";
        const std::string in_transaction = "idle in transaction";
        step("BEGIN", "BEGIN", 0, in_transaction);
        step("CREATE SCHEMA " + schema, "CREATE SCHEMA " + family, 2000, in_transaction);
        for (const std::string table : {"roles", "resources", "permissions"}) {
            const std::string create = "CREATE TABLE " + table;
            step(create, create, 12000, in_transaction);
        }
        step("DROP SCHEMA " + schema, "DROP SCHEMA " + family, stays - 38000, in_transaction);
        step("COMMIT", "COMMIT", 0, "idle");
        step("SELECT $1", "SELECT $1", 0, "idle");
    }
    return backend;
}

TEST(SteppedDiagnosis, NetsWhatASteppedLoadTakesAndGivesBack) {
    const Diagnosis diagnosis = diagnose(stepped_loads(40, 4200).history("step:test"));
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const Cause& cause = diagnosis.backends[0].causes[0];
    EXPECT_EQ(cause.id, "catalog-churn");
    ASSERT_FALSE(cause.statements.empty());
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 4200, 5);
    ASSERT_TRUE(cause.statements[0].group);
    const auto drop = std::ranges::find(
        cause.statements, "DROP SCHEMA policy_loader_*", &AttributedStatement::query);
    ASSERT_NE(drop, cause.statements.end());
    EXPECT_NEAR(drop->own_bytes_per_call.value(), 4200 - 38000, 1);
    EXPECT_THAT(cause.evidence,
                Contains(HasSubstr("DROP SCHEMA policy_loader_* gives back 33.0 kB a call")));
    EXPECT_THAT(cause.evidence, Contains(HasSubstr("CREATE TABLE roles takes 11.7 kB a call")));
}

using Round = std::vector<std::pair<std::string, double>>;

// Rounds of statements and what each takes, every one with a snapshot of its own.
SyntheticBackend stepped_rounds(int rounds, const std::function<Round(int number)>& round) {
    SyntheticBackend backend;
    double now = 0;
    backend.snapshot(now);
    for (int number = 0; number < rounds; ++number) {
        for (const auto& [query, bytes] : round(number)) {
            now += 0.01;
            backend.run(now, query, kOther, bytes);
            now += 0.01;
            backend.snapshot(now);
        }
    }
    return backend;
}

TEST(SteppedDiagnosis, TellsSteppedStatementsApartWhereNoneGivesBack) {
    const SyntheticBackend backend = stepped_rounds(60, [](int) {
        return Round{{"SELECT f($1)", 700}, {"SELECT g($1)", 300}, {"SELECT $1", 0}};
    });
    const Diagnosis diagnosis = diagnose(backend.history("step:test"));
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const Cause& cause = diagnosis.backends[0].causes[0];
    ASSERT_THAT(cause.statements, SizeIs(2));
    EXPECT_EQ(cause.statements[0].query, "SELECT f($1)");
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 700, 1);
    EXPECT_FALSE(cause.statements[0].group);
    EXPECT_EQ(cause.statements[1].query, "SELECT g($1)");
    EXPECT_NEAR(cause.statements[1].bytes_per_call.value, 300, 1);
    EXPECT_EQ(cause.statements[1].calls, 60);
}

// Of two that vary alike by chance, a regression takes some for the other's.
TEST(SteppedDiagnosis, KnowsWhatASteppedStatementTookByItsOwnSteps) {
    Dice dice(1);
    double taken = 0;
    int calls = 0;
    const SyntheticBackend backend = stepped_rounds(100, [&](int) {
        Round round;
        for (int prepared = dice.poisson(0.7); prepared > 0; --prepared) {
            round.emplace_back("PREPARE report AS SELECT $1", 10'584);
        }
        for (int searches = dice.poisson(0.7); searches > 0; --searches) {
            const double bytes = 1000 + 18'000 * dice.uniform();
            round.emplace_back("SELECT total FROM orders WHERE id IN ($1, ...)", bytes);
            taken += bytes;
            ++calls;
        }
        return round;
    });
    const Diagnosis diagnosis = diagnose(backend.history("step:test"));
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const auto& statements = diagnosis.backends[0].causes[0].statements;
    const auto search = std::ranges::find(
        statements, "SELECT total FROM orders WHERE id IN ($1, ...)", &AttributedStatement::query);
    ASSERT_NE(search, statements.end());
    EXPECT_EQ(search->calls, calls);
    EXPECT_NEAR(search->bytes_per_call.value, taken / calls, 1);
}

// As a hash table makes room for many entries in the step of whoever needs the next one.
TEST(SteppedDiagnosis, AllowsForWhatASteppedStatementTakesInTheStepsOfOthers) {
    const SyntheticBackend backend = stepped_rounds(80, [](int number) {
        return Round{{"SELECT f($1)", 700.0 + 20 * (number % 2)},
                     {"SELECT $1", number % 40 == 20 ? 8000 : 0}};
    });
    const Diagnosis diagnosis = diagnose(backend.history("step:test"));
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const AttributedStatement& statement = diagnosis.backends[0].causes[0].statements.at(0);
    EXPECT_EQ(statement.query, "SELECT f($1)");
    EXPECT_NEAR(statement.bytes_per_call.value, 710, 1);
    EXPECT_NEAR(statement.bytes_per_call.low, 710, 5);
    EXPECT_GE(statement.bytes_per_call.high, 710 + 200);
    EXPECT_LE(statement.bytes_per_call.high, 710 + 250);
}

}  // namespace
}  // namespace palloscope
