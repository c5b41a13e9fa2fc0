#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"
#include "workload/scenarios/long_transaction.hpp"

// What grows: CurTransactionContext, one of 8 kB (264 bytes used) per SAVEPOINT, each below the one
// before; TopMemoryContext by 1630 bytes and TopTransactionContext by 256.
namespace palloscope::workload {

namespace {

class Savepoints final : public Application {
  public:
    Savepoints() : Application("savepoints") {}

    void add_options(CLI::App& command) override { transaction_.add_option(command); }

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        return transaction_.run(session, "export", [&] {
            Result<> done;
            for (std::size_t items = random.below(3); done && items > 0; --items) {
                done = session.run({
                    // pgjdbc's, with autosave=always and without cleanupSavepoints.
                    {"export/savepoint", "SAVEPOINT PGJDBC_AUTOSAVE"},
                    {"export/item",
                     fmt::format("SELECT o.order_id, o.total, c.name FROM everyday_orders AS o"
                                 " JOIN everyday_customers AS c ON c.customer_id = o.customer_id"
                                 " WHERE c.customer_id = {}",
                                 any_customer(random))},
                });
            }
            return done;
        });
    }

  private:
    LongTransaction transaction_;
};

}  // namespace

ScenarioEntry savepoints_scenario() {
    return {
        .name = "savepoints",
        .summary = "One long transaction with ever more savepoints, none of them released",
        .explanation =
            "Made to show the cause long-transaction. An export reads in one transaction of many "
            "loops, and its driver sets a savepoint before each item (up to two a loop) so that "
            "one failure would not end it all, and never releases them. Each is a subtransaction "
            "within the one before, with a CurTransactionContext of its own, a resource owner and "
            "its share of the locks. The commit gives all of it back, though not all to the "
            "kernel.",
        .leaks =
            {{.cause = "long-transaction",
              .statements = {"SAVEPOINT PGJDBC_AUTOSAVE"},
              .places = {"CurTransactionContext", "TopMemoryContext", "TopTransactionContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Savepoints>()); },
    };
}

}  // namespace palloscope::workload
