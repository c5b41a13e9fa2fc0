#include "inspector/experiment/trial_run.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "inspector/experiment/client_memory.hpp"
#include "inspector/experiment/maintenance.hpp"
#include "inspector/experiment/pooler.hpp"
#include "inspector/experiment/throwaway_server.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSamples = 160;  // in a trial, where its length allows
constexpr std::chrono::milliseconds kShortestInterval{50};

// The server, the pooler and our own connections of one trial, in the order in which they start.
struct Stage {
    ThrowawayServer server;
    std::optional<Pooler> pooler;
    Maintenance maintenance;

    [[nodiscard]] const Endpoint& endpoint() const {
        return pooler ? pooler->endpoint() : server.endpoint();
    }
};

Result<Stage> set_stage(const TrialConditions& conditions, const TrialPlan& plan) {
    std::vector<std::string> settings = conditions.server_settings;
    settings.insert(settings.end(), plan.server_settings.begin(), plan.server_settings.end());
    auto server = ThrowawayServer::start(conditions.server_programs, conditions.account, settings);
    if (!server) {
        return tl::unexpected(server.error());
    }
    std::optional<Pooler> pooler;
    if (plan.pooler_settings) {
        auto started = Pooler::start(*server, conditions.account, *plan.pooler_settings);
        if (!started) {
            return tl::unexpected(started.error());
        }
        pooler = std::move(*started);
    }
    Maintenance maintenance(server->endpoint());
    return Stage{.server = std::move(*server),
                 .pooler = std::move(pooler),
                 .maintenance = std::move(maintenance)};
}

// Samples the memory and the loops until the trial is over. True where the user asked to stop.
bool watch(const TrialConditions& conditions,
           const TrialPlan& plan,
           Stage& stage,
           const WorkloadRun& run,
           ClientMemory& memory,
           Trial& trial) {
    const auto interval =
        std::max<Clock::duration>(kShortestInterval, conditions.duration / kSamples);
    const auto begin = Clock::now();
    auto next_sample = begin;
    auto next_maintenance = begin + plan.period;
    while (run.running() && Clock::now() < begin + conditions.duration) {
        if (!stage.maintenance.busy() && !plan.maintenance.empty() &&
            Clock::now() >= next_maintenance) {
            next_maintenance += plan.period;
            stage.maintenance.start(plan.maintenance);
        }
        MemorySample sample = memory.take(stage.maintenance.backend_pids());
        sample.loops = run.counts().loops;
        sample.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        trial.samples.push_back(sample);
        next_sample = std::max(next_sample + interval, Clock::now());
        if (conditions.sleep_until(next_sample)) {
            return true;
        }
    }
    return false;
}

// What makes a trial worthless, though all of it ran.
Result<> find_fault(const TrialPlan& plan,
                    const Stage& stage,
                    const WorkloadRun& run,
                    const ClientMemory& memory,
                    const Trial& trial) {
    const bool was_read = std::ranges::any_of(
        trial.samples, [](const MemorySample& sample) { return sample.backends > 0; });
    if (!was_read && memory.refusal()) {
        return tl::unexpected(*memory.refusal());
    }
    if (!was_read) {
        return failure(Error::Kind::kFailed,
                       "the workload was never seen to connect to the server",
                       "a command finds the server in DATABASE_URL and PGHOST, PGPORT, PGUSER, "
                       "PGPASSWORD");
    }
    if (!plan.maintenance.empty() && stage.maintenance.succeeded() == 0) {
        const std::string& error = stage.maintenance.error();
        return failure(Error::Kind::kFailed,
                       fmt::format("{} did not succeed once: {}",
                                   plan.maintenance,
                                   error.empty() ? "it did not end" : error));
    }
    if (!plan.driver_options.empty() && run.counts().upkeeps == 0) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{}: it was never done, since no request ended outside of a "
                                   "transaction",
                                   plan.description));
    }
    return {};
}

Result<Trial> run_on_stage(const TrialConditions& conditions,
                           const TrialPlan& plan,
                           Stage& stage,
                           Trial trial) {
    auto run =
        WorkloadRun::start(conditions.workload, plan, stage.endpoint(), stage.server.folder());
    if (!run) {
        return tl::unexpected(run.error());
    }
    ClientMemory memory(stage.server.postmaster_pid());
    if (watch(conditions, plan, stage, *run, memory, trial)) {
        return failure(Error::Kind::kInterrupted, "the experiment was interrupted");
    }
    trial.seconds = trial.samples.empty() ? 0 : trial.samples.back().seconds;
    return run->stop()
        .and_then([&] { return find_fault(plan, stage, *run, memory, trial); })
        .map([&] {
            trial.errors = run->counts().errors;
            return std::move(trial);
        });
}

}  // namespace

Result<Trial> run_trial(const TrialConditions& conditions, const TrialPlan& plan) {
    Trial trial{.intervention = plan.intervention, .description = plan.description};
    return set_stage(conditions, plan).and_then([&](Stage stage) {
        return run_on_stage(conditions, plan, stage, std::move(trial));
    });
}

}  // namespace palloscope
