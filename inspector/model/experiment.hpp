#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace palloscope {

// What the client backends of a server held together at one moment of a trial.
struct MemorySample {
    double seconds = 0;  // since the workload began
    std::int64_t used_bytes = 0;
    std::int64_t rss_anon_bytes = 0;
    std::int64_t backends = 0;
    // Of a scenario, until then: its driver counts once a second.
    std::int64_t loops = 0;

    bool operator==(const MemorySample&) const = default;
};

// One run of the workload, in a fresh server, under one intervention.
struct Trial {
    std::string_view intervention;  // its id, from the table of interventions.hpp
    std::string description;        // "VACUUM every 3 s"
    std::vector<MemorySample> samples;
    double seconds = 0;
    // Of the statements of a scenario.
    std::int64_t errors = 0;
    // Why there is no result: the server is too old, pgbouncer is missing, the workload failed.
    std::optional<std::string> not_run;

    bool operator==(const Trial&) const = default;
};

// What growth is counted by: the loops of a scenario, which the driver counts; for a command, of
// which nobody knows what it does, the seconds.
enum class GrowthUnit { kLoop, kSecond };

// The same workload under one intervention after another. The first trial is the one without.
struct Experiment {
    std::string workload;  // the scenario or the command
    GrowthUnit unit = GrowthUnit::kLoop;
    int server_version_num = 0;
    std::vector<Trial> trials;

    bool operator==(const Experiment&) const = default;
};

}  // namespace palloscope
