#include <cstddef>
#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: TopMemoryContext, by 85 bytes per LISTEN.
namespace palloscope::workload {

namespace {

// Those of a UUID.
constexpr std::size_t kIdDigits = 32;

class Listen final : public Application {
  public:
    Listen() : Application("listen") {}

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        std::vector<Statement> statements;
        for (std::size_t count = random.below(7); count > 0; --count) {
            statements.push_back(
                {"chat/listen", fmt::format("LISTEN conversation_{}", random.hex(kIdDigits))});
        }
        if (random.below(2) == 0) {
            statements.push_back(
                {"chat/notify", fmt::format("NOTIFY presence, '{}'", any_customer(random))});
        }
        return session.run(statements);
    }
};

}  // namespace

ScenarioEntry listen_scenario() {
    return {
        .name = "listen",
        .summary = "Channels listened to, ever more of them, without UNLISTEN",
        .explanation =
            "Made to show the cause session-state. A loop listens to up to six new channels, one "
            "for each conversation that users open, and never unlistens. The backend keeps their "
            "names in a list in TopMemoryContext. NOTIFY on a channel that nobody listens to "
            "leaves nothing.",
        .leaks = {{.cause = "session-state",
                   .statements = {"LISTEN conversation_*"},
                   .places = {"TopMemoryContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Listen>()); },
    };
}

}  // namespace palloscope::workload
