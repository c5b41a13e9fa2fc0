#include <array>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "workload/scenario.hpp"
#include "workload/scenarios/entries.hpp"

namespace palloscope::workload {

std::span<const ScenarioEntry> scenarios() {
    static const std::array kScenarios = {
        conjur_scenario(),        temp_tables_scenario(),   partitions_scenario(),
        missing_names_scenario(), prepared_scenario(),      dynamic_sql_scenario(),
        functions_scenario(),     savepoints_scenario(),    deferred_triggers_scenario(),
        cursors_scenario(),       locks_scenario(),         settings_scenario(),
        listen_scenario(),        fragmentation_scenario(), jit_scenario(),
        mixed_scenario(),         big_sort_scenario(),      shared_buffers_scenario(),
        steady_scenario(),        plateau_scenario(),
    };
    return kScenarios;
}

std::string causes_of(const ScenarioEntry& entry) {
    std::vector<std::string_view> causes;
    for (const Leak& leak : entry.leaks) {
        causes.push_back(leak.cause);
    }
    return causes.empty() ? "nothing leaks" : fmt::format("{}", fmt::join(causes, ", "));
}

void Scenario::add_options(CLI::App& /*command*/) {}

Layout Scenario::layout() const {
    return {.workers = {{.name = "session", .application_name = "palloscope-workload"}}};
}

}  // namespace palloscope::workload
