#include <array>

#include "workload/scenario.hpp"

namespace palloscope::workload {

// Each is defined in scenarios/NAME.cpp.
ScenarioEntry conjur_scenario();
ScenarioEntry steady_scenario();

std::span<const ScenarioEntry> scenarios() {
    static const std::array kScenarios = {
        conjur_scenario(),
        steady_scenario(),
    };
    return kScenarios;
}

void Scenario::add_options(CLI::App& /*command*/) {}

Layout Scenario::layout() const {
    return {.workers = {{.name = "session", .application_name = "palloscope-workload"}}};
}

}  // namespace palloscope::workload
