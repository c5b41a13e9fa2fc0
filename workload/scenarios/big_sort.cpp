#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: nothing. While it sorts, all contexts together hold up to 14 MB.
namespace palloscope::workload {

namespace {

// Of the two rankings. What malloc keeps of the larger one does not become more with the next.
constexpr std::size_t kFewRows = 20000;
constexpr std::size_t kManyRows = 100000;

class BigSort final : public Application {
  public:
    BigSort() : Application("big-sort") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        return session.transaction("ranking", [&] {
            return session.run({
                {"ranking/work-mem", "SET LOCAL work_mem = '64MB'"},
                {"ranking/sort",
                 fmt::format("SELECT max(place) FROM (SELECT row_number() OVER"
                             " (ORDER BY hashint4(n)) AS place FROM generate_series(1, {}) AS n)"
                             " AS places",
                             random.below(2) == 0 ? kFewRows : kManyRows)},
            });
        });
    }
};

}  // namespace

ScenarioEntry big_sort_scenario() {
    return {
        .name = "big-sort",
        .summary = "A control: large sorts in memory, given back at the end of each",
        .explanation =
            "Made to show that nothing leaks. Each loop sorts 20000 or 100000 rows in memory "
            "(work_mem = 64MB). The sort's contexts go with the query, and the backend is as "
            "large as it was before; only a snapshot taken in the middle shows them.",
        .leaks = {},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<BigSort>()); },
    };
}

}  // namespace palloscope::workload
