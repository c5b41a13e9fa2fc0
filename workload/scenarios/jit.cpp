#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: RssAnon, by 255 kB per compiled query, all of it LLVM's. PostgreSQL makes LLVM's
// context anew after 100 queries (llvmjit.c, LLVMJIT_MAX_CONTEXT_USES, since 12.17, 13.13, 14.10,
// 15.5 and 16.1), which frees it: a saw with teeth of some 25 MB. Before, it grew without end.
namespace palloscope::workload {

namespace {

class Jit final : public Application {
  public:
    Jit() : Application("jit") {}

    [[nodiscard]] Result<> set_up(Session& session) override {
        auto available = is_available(session);
        if (!available) {
            return tl::unexpected(available.error());
        }
        if (!*available) {
            return failure(Error::Kind::kFailed,
                           "the scenario jit needs a server that can compile queries, and this one "
                           "cannot: pg_jit_available() is false or does not exist",
                           "install the server's package with llvmjit (such as "
                           "postgresql-llvmjit), PostgreSQL 11 or newer");
        }
        return Application::set_up(session);
    }

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t reports = random.below(3); done && reports > 0; --reports) {
            done = session.transaction("report", [&] {
                return session.run({
                    // As if the tables were so large that the planner had it compiled.
                    {"report/on", "SET LOCAL jit = on"},
                    {"report/compile", "SET LOCAL jit_above_cost = 0"},
                    {"report/inline", "SET LOCAL jit_inline_above_cost = 0"},
                    {"report/query",
                     fmt::format("SELECT customer_id % 7, sum(total + {0}), max(length(name))"
                                 " FROM everyday_orders JOIN everyday_customers USING (customer_id)"
                                 " WHERE total % 10 < {0} GROUP BY 1",
                                 1 + random.below(9))},
                });
            });
        }
        return done;
    }

  private:
    static Result<bool> is_available(Session& session) {
        return session
            .run("set-up/version",
                 "SELECT current_setting('server_version_num')::integer >= 110000")
            .and_then([&](const Rows& has_jit) -> Result<bool> {
                if (has_jit.value(0, 0) != "t") {
                    return false;
                }
                // Off by default in PostgreSQL 11, and then pg_jit_available() is false.
                bool available = false;
                return session
                    .transaction("set-up",
                                 [&] {
                                     return session.run("set-up/on", "SET LOCAL jit = on")
                                         .and_then([&](const Rows&) {
                                             return session.run("set-up/available",
                                                                "SELECT pg_jit_available()");
                                         })
                                         .map([&](const Rows& rows) {
                                             available = rows.value(0, 0) == "t";
                                         });
                                 })
                    .map([&] { return available; });
            });
    }
};

}  // namespace

ScenarioEntry jit_scenario() {
    return {
        .name = "jit",
        .summary = "Queries compiled by JIT with inlining, whose types LLVM keeps",
        .explanation =
            "Made to show the cause outside-contexts. A loop runs up to two reports that are "
            "compiled (jit_above_cost = 0, jit_inline_above_cost = 0). What LLVM takes for that "
            "comes from malloc and lies in no context: 20 MB for its libraries at the first one, "
            "and with each the types of the code that was inlined. From 12.17, 13.13, 14.10, 15.5 "
            "and 16.1 on PostgreSQL frees them after every 100 compiled queries, so that the "
            "growth is a saw; before, it has no end.\n\n"
            "Fails where the server has no JIT.",
        .leaks =
            {{.cause = "outside-contexts",
              .statements = {"SELECT customer_id % $1, sum(total + $2), max(length(name)) FROM "
                             "everyday_orders JOIN everyday_customers USING (customer_id) WHERE "
                             "total % $3 < $4 GROUP BY $5"},
              .places = {"malloc-used"},
              .mended_in = {120017, 130013, 140010, 150005, 160001}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Jit>()); },
    };
}

}  // namespace palloscope::workload
