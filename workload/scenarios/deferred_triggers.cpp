#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"
#include "workload/scenarios/long_transaction.hpp"

// What grows: AfterTriggerEvents, by 6 kB per INSERT of 500 rows, in chunks of up to 1 MB.
namespace palloscope::workload {

namespace {

constexpr int kRows = 500;

class DeferredTriggers final : public Application {
  public:
    DeferredTriggers() : Application("deferred-triggers") {}

    void add_options(CLI::App& command) override { transaction_.add_option(command); }

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define",
                 "CREATE TABLE IF NOT EXISTS imported_orders (customer_id integer NOT NULL"
                 " REFERENCES everyday_customers DEFERRABLE INITIALLY DEFERRED,"
                 " total integer NOT NULL)"}};
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        return transaction_.run(session, "import", [&] {
            Result<> done;
            for (std::size_t batches = random.below(3); done && batches > 0; --batches) {
                done = session
                           .run("import/batch",
                                fmt::format("INSERT INTO imported_orders SELECT n, {}"
                                            " FROM generate_series(1, {}) AS n",
                                            random.below(1000),
                                            kRows))
                           .map([](const Rows&) {});
            }
            return done;
        });
    }

  private:
    LongTransaction transaction_;
};

}  // namespace

ScenarioEntry deferred_triggers_scenario() {
    return {
        .name = "deferred-triggers",
        .summary = "One long transaction that queues ever more deferred foreign key checks",
        .explanation =
            "Made to show the cause long-transaction. An import inserts batches of 500 rows (up "
            "to two a loop) in one transaction of many loops, into a table whose foreign key is "
            "DEFERRABLE INITIALLY DEFERRED. The check of each row is queued in AfterTriggerEvents "
            "until the commit, which runs them all and gives the memory back.",
        .leaks =
            {{.cause = "long-transaction",
              .statements =
                  {"INSERT INTO imported_orders SELECT n, $1 FROM generate_series($2, $3) AS n"},
              .places = {"AfterTriggerEvents"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<DeferredTriggers>()); },
    };
}

}  // namespace palloscope::workload
