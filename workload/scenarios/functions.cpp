#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: PL/pgSQL function by 27.7 kB per function called for the first time, beside
// CachedPlan, CachedPlanQuery, CachedPlanSource and SPI Plan by 9.6 kB for the one condition that
// is evaluated, and CacheMemoryContext by 4.4 kB.
namespace palloscope::workload {

namespace {

// {0} and {1} are the first and the last number. A call looks at the first condition and is done,
// so that the other branches are compiled but nothing in them is planned.
constexpr const char* kMakeFunctions =
    "DO $do$ DECLARE branches text; BEGIN"
    " SELECT string_agg(format(' ELSIF amount = %s THEN reason := ''rule %s''; risk := amount * %s;"
    " ', n, n, n), '') INTO branches FROM generate_series(1, 20) AS n;"
    " FOR number IN {0}..{1} LOOP"
    " EXECUTE format('CREATE OR REPLACE FUNCTION check_rule_%s(amount integer) RETURNS boolean"
    " LANGUAGE plpgsql AS $body$ DECLARE reason text; risk bigint; BEGIN"
    " IF amount < 0 THEN RETURN false; %s END IF; RETURN risk < 100; END $body$',"
    " number, branches);"
    " END LOOP; END $do$";
constexpr std::size_t kBatch = 500;

class Functions final : public Application {
  public:
    Functions() : Application("functions") {}

    void add_options(CLI::App& command) override {
        command.add_option("--functions", functions_, "Functions that there are")
            ->check(CLI::Range(std::size_t{1}, std::size_t{100000}))
            ->capture_default_str();
    }

    [[nodiscard]] Result<> set_up(Session& session) override {
        Result<> made = Application::set_up(session);
        for (std::size_t first = 1; made && first <= functions_; first += kBatch) {
            const std::size_t last = std::min(first + kBatch - 1, functions_);
            made = set_up_alone(
                session,
                {{"set-up/functions", fmt::format(fmt::runtime(kMakeFunctions), first, last)}});
        }
        return made;
    }

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t calls = random.below(4); done && calls > 0; --calls) {
            const std::size_t number = 1 + next_number_++ % functions_;
            done = session.run("check/rule", fmt::format("SELECT check_rule_{}(-1)", number))
                       .map([](const Rows&) {});
        }
        return done;
    }

  private:
    std::size_t functions_ = 4000;
    std::atomic<std::uint64_t> next_number_{0};
};

}  // namespace

ScenarioEntry functions_scenario() {
    return {
        .name = "functions",
        .summary = "Thousands of PL/pgSQL functions, called one after the other",
        .explanation =
            "Made to show the cause procedural-functions. A loop calls up to three functions of "
            "an application that has one for each of its rules. A function is compiled at its "
            "first call, as a whole, and stays in the backend (PL/pgSQL function) until it ends. "
            "Once every function was called, nothing grows any more: raise --functions for a "
            "longer run.",
        .leaks = {{.cause = "procedural-functions",
                   .statements = {"SELECT check_rule_*(-$1)"},
                   .places = {"PL/pgSQL function"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Functions>()); },
    };
}

}  // namespace palloscope::workload
