#include <atomic>
#include <cstdint>
#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: PortalHoldContext by 17.8 kB and PortalContext by 4.4 kB per DECLARE.
namespace palloscope::workload {

namespace {

class Cursors final : public Application {
  public:
    Cursors() : Application("cursors") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t count = random.below(3); done && count > 0; --count) {
            done = show_first_page(session, random);
        }
        if (done && random.below(2) == 0) {
            done = list_orders(session, random);
        }
        return done;
    }

  private:
    Result<> show_first_page(Session& session, Random& random) {
        const std::uint64_t number = ++last_number_;
        return session.run({
            {"page/declare",
             fmt::format("DECLARE page_{} CURSOR WITH HOLD FOR SELECT order_id, total"
                         " FROM everyday_orders WHERE customer_id = {} ORDER BY total",
                         number,
                         any_customer(random))},
            {"page/fetch", fmt::format("FETCH 3 FROM page_{}", number)},
        });
    }

    // Its cursor ends with its transaction.
    static Result<> list_orders(Session& session, Random& random) {
        return session.transaction("list", [&] {
            return session.run({
                {"list/declare",
                 fmt::format("DECLARE list CURSOR FOR SELECT order_id FROM everyday_orders"
                             " WHERE total < {}",
                             random.below(1000))},
                {"list/fetch", "FETCH 20 FROM list"},
            });
        });
    }

    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace

ScenarioEntry cursors_scenario() {
    return {
        .name = "cursors",
        .summary = "Cursors WITH HOLD for paging, never closed",
        .explanation =
            "Made to show the cause open-cursors. A loop opens up to two cursors WITH HOLD, "
            "fetches the first page from each and forgets them. Such a cursor outlives its "
            "transaction with all of its rows, in PortalHoldContext, until it is closed or the "
            "session ends. The loop's other cursor, without HOLD, ends with its transaction.",
        .leaks = {{.cause = "open-cursors",
                   .statements = {"DECLARE page_* CURSOR WITH HOLD FOR SELECT order_id, total FROM "
                                  "everyday_orders WHERE customer_id = $1 ORDER BY total"},
                   .places = {"PortalHoldContext", "PortalContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Cursors>()); },
    };
}

}  // namespace palloscope::workload
