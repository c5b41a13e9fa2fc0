#include <atomic>
#include <cstdint>
#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: malloc'ed memory outside of all contexts, by 320 bytes per new setting; from
// PostgreSQL 16 on GUCMemoryContext instead (guc.c).
namespace palloscope::workload {

namespace {

constexpr std::size_t kTokenDigits = 64;

class Settings final : public Application {
  public:
    Settings() : Application("settings") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        std::vector<Statement> statements = {
            {"request/tenant", fmt::format("SET app.tenant TO {}", any_customer(random))},
        };
        for (std::size_t count = random.below(4); count > 0; --count) {
            statements.push_back(
                {"request/token",
                 fmt::format(
                     "SET app.token_{} TO '{}'", ++last_number_, random.hex(kTokenDigits))});
        }
        return session.run(statements);
    }

  private:
    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace

ScenarioEntry settings_scenario() {
    return {
        .name = "settings",
        .summary = "Custom settings of the session, under ever new names",
        .explanation =
            "Made to show the cause session-state. A loop sets up to three settings app.token_N, "
            "for policies and triggers to read, under a new name each. The server keeps a custom "
            "setting for as long as the session lasts, in malloc'ed memory outside of all "
            "contexts up to PostgreSQL 15, and in GUCMemoryContext from 16 on. The setting "
            "app.tenant, which is set again and again, stays one.",
        .leaks = {{.cause = "session-state",
                   .statements = {"SET app.token_* TO $1"},
                   .places = {"malloc-used"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Settings>()); },
    };
}

}  // namespace palloscope::workload
