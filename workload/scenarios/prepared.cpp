#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: CachedPlanSource and CachedPlanQuery, together by 10.5 kB per PREPARE and 8.7 kB per
// Parse (of an IN list of 30 values on average), and the hash table Prepared Queries.
namespace palloscope::workload {

namespace {

constexpr std::size_t kMostValues = 60;

class Prepared final : public Application {
  public:
    Prepared() : Application("prepared") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t count = random.below(3); done && count > 0; --count) {
            done = send_new_text(session, random);
        }
        for (std::size_t count = random.below(3); done && count > 0; --count) {
            done = prepare_report(session, random);
        }
        if (done && random.below(2) == 0) {
            done = prepare_and_deallocate(session, random);
        }
        return done;
    }

  private:
    // What a driver does that prepares every text it has not seen before: and lists of another
    // length make another text.
    Result<> send_new_text(Session& session, Random& random) {
        std::string list;
        std::vector<std::string> customers;
        for (std::size_t count = 1 + random.below(kMostValues); count > 0; --count) {
            customers.push_back(std::to_string(any_customer(random)));
            list += fmt::format("{}${}", list.empty() ? "" : ", ", customers.size());
        }
        return session
            .run_prepared("search/orders",
                          fmt::format("S_{}", ++last_number_),
                          fmt::format("SELECT order_id, total FROM everyday_orders"
                                      " WHERE customer_id IN ({})",
                                      list),
                          customers)
            .map([](const Rows&) {});
    }

    Result<> prepare_report(Session& session, Random& random) {
        const std::uint64_t number = ++last_number_;
        return session.run({
            {"report/prepare",
             fmt::format("PREPARE report_{} (integer) AS SELECT c.name, sum(o.total)"
                         " FROM everyday_customers AS c JOIN everyday_orders AS o"
                         " ON o.customer_id = c.customer_id WHERE c.customer_id = $1 GROUP BY 1",
                         number)},
            {"report/execute", fmt::format("EXECUTE report_{}({})", number, any_customer(random))},
        });
    }

    Result<> prepare_and_deallocate(Session& session, Random& random) {
        const std::uint64_t number = ++last_number_;
        return session.run({
            {"once/prepare",
             fmt::format("PREPARE once_{} (integer) AS SELECT count(*) FROM everyday_orders"
                         " WHERE total < $1",
                         number)},
            {"once/execute", fmt::format("EXECUTE once_{}({})", number, random.below(1000))},
            {"once/deallocate", fmt::format("DEALLOCATE once_{}", number)},
        });
    }

    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace

ScenarioEntry prepared_scenario() {
    return {
        .name = "prepared",
        .summary = "Named statements, prepared by messages and by PREPARE, never deallocated",
        .explanation =
            "Made to show the cause prepared-statements. A loop sends up to two queries with an "
            "IN list of another length each, which a driver prepares under a new name (Parse) and "
            "never closes, and up to two reports by PREPARE and EXECUTE. Their texts, query trees "
            "and plans stay in CachedPlanSource, CachedPlanQuery and CachedPlan. The statements "
            "called once_N, which are deallocated, leave nothing.",
        .leaks =
            {{.cause = "prepared-statements",
              .statements =
                  {"SELECT order_id, total FROM everyday_orders WHERE customer_id IN ($1, ...)",
                   "PREPARE report_* (integer) AS SELECT c.name, sum(o.total) FROM "
                   "everyday_customers AS c JOIN everyday_orders AS o ON o.customer_id = "
                   "c.customer_id WHERE c.customer_id = $1 GROUP BY $2"},
              .places = {"CachedPlanSource", "CachedPlanQuery"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Prepared>()); },
    };
}

}  // namespace palloscope::workload
