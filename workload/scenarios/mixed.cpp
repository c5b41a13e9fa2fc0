#include <array>
#include <memory>

#include "workload/scenarios/entries.hpp"

// What grows: in each session what grows in cursors, prepared and missing-names, at their rates a
// statement.
namespace palloscope::workload {

namespace {

// A part of the application, and how often its turn comes: in so many of kTurns loops.
struct Part {
    std::unique_ptr<Scenario> scenario;
    std::size_t turns;
};

constexpr std::size_t kTurns = 10;
constexpr std::size_t kPoolSize = 2;

class Mixed final : public Scenario {
  public:
    [[nodiscard]] Layout layout() const override {
        Layout layout{.workers = {}, .pool_size = kPoolSize};
        for (const char* worker : {"web", "jobs", "reports"}) {
            layout.workers.push_back(
                {.name = worker,
                 .application_name = std::string("palloscope-workload mixed: ") + worker});
        }
        return layout;
    }

    [[nodiscard]] Result<> set_up(Session& session) override {
        Result<> done;
        for (auto part = parts_.begin(); done && part != parts_.end(); ++part) {
            done = part->scenario->set_up(session);
        }
        return done;
    }

    [[nodiscard]] Result<> loop(Client& client) override {
        Result<> done;
        for (auto part = parts_.begin(); done && part != parts_.end(); ++part) {
            if (client.random().below(kTurns) < part->turns) {
                done = part->scenario->loop(client);
            }
        }
        return done;
    }

  private:
    std::array<Part, 4> parts_ = {{
        {steady_scenario().make(), 10},
        {missing_names_scenario().make(), 7},
        {prepared_scenario().make(), 3},
        {cursors_scenario().make(), 1},
    }};
};

std::vector<Leak> all_leaks() {
    std::vector<Leak> leaks;
    for (const ScenarioEntry& entry :
         {prepared_scenario(), cursors_scenario(), missing_names_scenario()}) {
        leaks.insert(leaks.end(), entry.leaks.begin(), entry.leaks.end());
    }
    return leaks;
}

}  // namespace

ScenarioEntry mixed_scenario() {
    return {
        .name = "mixed",
        .summary = "Three leaks at different rates among innocent statements, in several sessions",
        .explanation =
            "Made to show three causes at once. Three workers with a pool of 2 connections each "
            "do the transfers of 'steady' in every loop, and of ten loops on average look up "
            "missing names in seven, prepare statements in three and open cursors in one, each as "
            "in the scenario of that name: missing-names, prepared, cursors.",
        .leaks = all_leaks(),
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Mixed>()); },
    };
}

}  // namespace palloscope::workload
