#include "workload/scenario_list.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "workload/scenario.hpp"

namespace palloscope::workload {

std::string scenario_list_table() {
    constexpr std::string_view kName = "SCENARIO";
    constexpr std::string_view kCause = "CAUSE";
    std::size_t name_width = kName.size();
    std::size_t cause_width = kCause.size();
    for (const ScenarioEntry& entry : scenarios()) {
        name_width = std::max(name_width, entry.name.size());
        cause_width = std::max(cause_width, causes_of(entry).size());
    }
    const auto line = [&](std::string_view name, std::string_view cause, std::string_view summary) {
        return fmt::format("{:{}}  {:{}}  {}\n", name, name_width, cause, cause_width, summary);
    };
    std::string table = line(kName, kCause, "SUMMARY");
    for (const ScenarioEntry& entry : scenarios()) {
        table += line(entry.name, causes_of(entry), entry.summary);
    }
    return table;
}

std::string scenario_list_json() {
    using Json = nlohmann::ordered_json;
    Json list = Json::array();
    for (const ScenarioEntry& entry : scenarios()) {
        Json leaks = Json::array();
        for (const Leak& leak : entry.leaks) {
            leaks.push_back({{"cause", leak.cause},
                             {"statements", leak.statements},
                             {"places", leak.places},
                             {"mended_in", leak.mended_in}});
        }
        list.push_back({{"name", entry.name}, {"summary", entry.summary}, {"leaks", leaks}});
    }
    return list.dump(/*indent=*/2) + '\n';
}

}  // namespace palloscope::workload
