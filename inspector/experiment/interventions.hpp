#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace palloscope {

// Something that is tried against a workload's growth: one line of the table in interventions.cpp.
struct Intervention {
    enum class Pooling { kNone, kSession, kTransaction };

    std::string_view id;
    std::string_view summary;  // for --help
    // A statement in a session between two requests, or its end there.
    std::string_view statement;
    bool reconnect = false;
    // A statement from connections of our own, in every database, ten times in a trial.
    std::string_view maintenance;
    Pooling pooling = Pooling::kNone;
    // A time of PgBouncer's, set to a tenth of the trial.
    std::string_view pooler_time;
    std::string_view server_setting;
    // The first server_version_num that has that setting.
    int since_version = 0;
};

// All of them; the first is none at all.
[[nodiscard]] std::span<const Intervention> interventions();

// What a trial does, for one intervention on one workload.
struct TrialPlan {
    std::string_view intervention;  // its id
    std::string description;        // for people: "DISCARD ALL after each request"
    std::vector<std::string> server_settings;
    // Options of palloscope-workload.
    std::vector<std::string> driver_options;
    // Lines of pgbouncer.ini; none: no pooler.
    std::optional<std::vector<std::string>> pooler_settings;
    // Our own statement, and how often.
    std::string maintenance;
    std::chrono::nanoseconds period{};
};

enum class WorkloadKind { kScenario, kCommand };

// The bundled driver issues statements and reconnects by itself, after each `every` requests of a
// session. For a command PgBouncer does it, in transaction mode and after each transaction:
// server_reset_query with server_reset_query_always, or a server_lifetime of 0, which is one use.
[[nodiscard]] TrialPlan plan_of(const Intervention& intervention,
                                WorkloadKind workload,
                                std::chrono::nanoseconds duration,
                                std::uint64_t every);

}  // namespace palloscope
