#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: RssAnon, by 63 kB a loop, all of it malloc-free. The contexts are as small after a
// loop as they were before.
namespace palloscope::workload {

namespace {

// The cursors of the largest batch, each of some 10 kB.
constexpr std::size_t kMostCursors = 5000;

constexpr const char* kOpenCursors =
    "CREATE OR REPLACE FUNCTION open_cursors(how_many integer) RETURNS void LANGUAGE plpgsql AS $$"
    " DECLARE one refcursor; BEGIN FOR n IN 1..how_many LOOP one := NULL;"
    " OPEN one FOR SELECT order_id, total FROM everyday_orders WHERE customer_id = n"
    " ORDER BY total; END LOOP; END $$";

class Fragmentation final : public Application {
  public:
    Fragmentation() : Application("fragmentation") {}

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define", kOpenCursors}};
    }

    // In a batch, the driver prepares a statement and evicts the one before: small and lasting
    // memory, taken while the batch's is in use, above which the heap cannot shrink.
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        const std::uint64_t number = ++last_number_;
        const std::size_t cursors = std::min<std::size_t>(kMostCursors, number + random.below(20));
        return session
            .transaction("batch",
                         [&] {
                             return session.run({
                                 {"batch/open", fmt::format("SELECT open_cursors({})", cursors)},
                                 {"batch/prepare",
                                  fmt::format("PREPARE batch_{} (integer) AS SELECT total"
                                              " FROM everyday_orders WHERE order_id = $1",
                                              number)},
                             });
                         })
            .and_then([&] { return evict(session, number); });
    }

  private:
    // Deallocates what this session's last batch prepared.
    static Result<> evict(Session& session, std::uint64_t number) {
        return session
            .run("batch/evictable",
                 fmt::format("SELECT name FROM pg_prepared_statements WHERE name <> 'batch_{}'",
                             number))
            .and_then([&](const Rows& rows) {
                std::vector<Statement> statements;
                for (int row = 0; row < rows.count(); ++row) {
                    statements.push_back(
                        {"batch/evict", fmt::format("DEALLOCATE {}", rows.value(row, 0))});
                }
                return session.run(statements);
            });
    }

    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace

ScenarioEntry fragmentation_scenario() {
    return {
        .name = "fragmentation",
        .summary = "Ever larger batches, whose memory PostgreSQL frees and malloc keeps",
        .explanation =
            "Made to show the cause malloc-retention. Each loop is one batch of a growing "
            "backlog: a transaction that opens a few more cursors than the last one did and "
            "prepares a statement, in place of the last batch's. At its end the cursors are "
            "freed, but the prepared statement lies above them in the heap, so that malloc cannot "
            "give them back to the kernel: RssAnon keeps the height of the largest batch, while "
            "the contexts are small again. From 5000 cursors on the batches grow no more.",
        .leaks = {{.cause = "malloc-retention",
                   .statements = {"SELECT open_cursors($1)"},
                   .places = {"malloc-free"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Fragmentation>()); },
    };
}

}  // namespace palloscope::workload
