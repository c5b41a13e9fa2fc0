#include <atomic>
#include <cstdint>
#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: CachedPlanSource, CachedPlanQuery, CachedPlan and SPI Plan, together by 32.5 kB per
// call; PL/pgSQL function by 6 kB per call and as much per CREATE FUNCTION, whose validator
// compiles it too. The table of compiled functions keeps them after DROP FUNCTION, since nothing
// tells PL/pgSQL of it (pl_comp.c of PostgreSQL 10 to 17, funccache.c of 18).
namespace palloscope::workload {

namespace {

// EXECUTE keeps no plan: the innocent kind.
constexpr const char* kRunQuery =
    "CREATE OR REPLACE FUNCTION run_query(query text) RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE result bigint; BEGIN EXECUTE query INTO result; RETURN result; END $$";

class DynamicSql final : public Application {
  public:
    DynamicSql() : Application("dynamic-sql") {}

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define", kRunQuery}};
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done = execute(session, random);
        for (std::size_t count = random.below(3); done && count > 0; --count) {
            done = run_as_function(session, random);
        }
        return done;
    }

  private:
    static Result<> execute(Session& session, Random& random) {
        return session.run({
            {"execute/function",
             fmt::format("SELECT run_query('SELECT count(*) FROM everyday_orders"
                         " WHERE customer_id = {}')",
                         any_customer(random))},
            {"execute/block",
             fmt::format("DO $$ BEGIN PERFORM total FROM everyday_orders WHERE order_id = {};"
                         " END $$",
                         1 + random.below(kOrders))},
        });
    }

    // A query that a user composed, wrapped into a function of its own. Some are only checked.
    Result<> run_as_function(Session& session, Random& random) {
        const std::uint64_t number = ++last_number_;
        std::vector<Statement> statements = {
            {"query/create",
             fmt::format(
                 "CREATE FUNCTION pg_temp.query_{0}() RETURNS bigint LANGUAGE plpgsql AS $$"
                 " DECLARE orders bigint; best bigint; BEGIN"
                 " SELECT count(*) INTO orders FROM everyday_orders AS o JOIN everyday_customers"
                 " AS c ON c.customer_id = o.customer_id WHERE c.customer_id < {1};"
                 " SELECT max(total) INTO best FROM everyday_orders WHERE customer_id = {1};"
                 " RETURN orders + best; END $$",
                 number,
                 any_customer(random))},
        };
        if (random.below(3) > 0) {
            statements.push_back({"query/call", fmt::format("SELECT pg_temp.query_{}()", number)});
        }
        statements.push_back(
            {"query/drop", fmt::format("DROP FUNCTION pg_temp.query_{}()", number)});
        return session.run(statements);
    }

    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace

ScenarioEntry dynamic_sql_scenario() {
    return {
        .name = "dynamic-sql",
        .summary = "Queries wrapped into functions of their own, called once and dropped",
        .explanation =
            "Made to show the cause plan-cache. A loop makes up to two functions around queries "
            "that users have composed, calls most of them and drops them. PL/pgSQL is not told of "
            "a function's end: the plans of its statements stay (CachedPlanSource, "
            "CachedPlanQuery, CachedPlan), and so does, at a third of their size, the function as "
            "it was compiled when it was created and again when it was called. The other dynamic "
            "SQL of the loop, EXECUTE in a function and a DO block, keeps nothing.",
        .leaks = {{.cause = "plan-cache",
                   .statements = {"SELECT pg_temp.query_*()"},
                   .places = {"CachedPlan", "CachedPlanQuery", "CachedPlanSource"}},
                  {.cause = "procedural-functions",
                   .statements = {"CREATE FUNCTION pg_temp.query_*() RETURNS bigint LANGUAGE "
                                  "plpgsql AS $1"},
                   .places = {"PL/pgSQL function"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<DynamicSql>()); },
    };
}

}  // namespace palloscope::workload
