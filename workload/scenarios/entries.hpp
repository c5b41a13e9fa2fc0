#pragma once

#include "workload/scenario.hpp"

namespace palloscope::workload {

// Each is defined in scenarios/NAME.cpp.
ScenarioEntry big_sort_scenario();
ScenarioEntry conjur_scenario();
ScenarioEntry cursors_scenario();
ScenarioEntry deferred_triggers_scenario();
ScenarioEntry dynamic_sql_scenario();
ScenarioEntry fragmentation_scenario();
ScenarioEntry functions_scenario();
ScenarioEntry jit_scenario();
ScenarioEntry listen_scenario();
ScenarioEntry locks_scenario();
ScenarioEntry missing_names_scenario();
ScenarioEntry mixed_scenario();
ScenarioEntry partitions_scenario();
ScenarioEntry plateau_scenario();
ScenarioEntry prepared_scenario();
ScenarioEntry savepoints_scenario();
ScenarioEntry settings_scenario();
ScenarioEntry shared_buffers_scenario();
ScenarioEntry steady_scenario();
ScenarioEntry temp_tables_scenario();

}  // namespace palloscope::workload
