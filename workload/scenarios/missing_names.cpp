#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: CacheMemoryContext, by 477 bytes per to_regclass() and as many per DROP TABLE IF
// EXISTS.
namespace palloscope::workload {

namespace {

constexpr std::size_t kNameDigits = 16;

class MissingNames final : public Application {
  public:
    MissingNames() : Application("missing-names") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        std::vector<Statement> statements;
        for (std::size_t count = random.below(5); count > 0; --count) {
            statements.push_back({"import/is-there",
                                  fmt::format("SELECT to_regclass('upload_{}') IS NOT NULL",
                                              random.hex(kNameDigits))});
        }
        if (random.below(4) == 0) {
            statements.push_back(
                {"import/clear",
                 fmt::format("DROP TABLE IF EXISTS import_{}", random.hex(kNameDigits))});
        }
        return session.run(statements);
    }
};

}  // namespace

ScenarioEntry missing_names_scenario() {
    return {
        .name = "missing-names",
        .summary = "Look-ups of tables that do not exist, under names that never repeat",
        .explanation =
            "Made to show the cause negative-catcache. A loop asks up to four times whether a "
            "table of a random name exists, and sometimes drops one that may exist but never "
            "does. That a name is not there is remembered in the catalog caches too, for each "
            "schema of the search path, and never forgotten: CacheMemoryContext grows.",
        .leaks = {{.cause = "negative-catcache",
                   .statements = {"SELECT to_regclass($1) IS NOT NULL",
                                  "DROP TABLE IF EXISTS import_*"},
                   .places = {"CacheMemoryContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<MissingNames>()); },
    };
}

}  // namespace palloscope::workload
