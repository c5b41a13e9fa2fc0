#include "inspector/experiment/interventions.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Pooling = Intervention::Pooling;

constexpr int kSince11 = 110000;
constexpr int kSince12 = 120000;
constexpr int kPeriods = 10;  // in a trial

constexpr std::array<Intervention, 11> kInterventions{{
    {.id = "none", .summary = "the workload alone, which all others are compared with"},
    {.id = "vacuum", .summary = "VACUUM of every database", .maintenance = "VACUUM"},
    {.id = "discard-all", .summary = "DISCARD ALL in the session", .statement = "DISCARD ALL"},
    {.id = "discard-plans",
     .summary = "DISCARD PLANS in the session",
     .statement = "DISCARD PLANS"},
    {.id = "deallocate-all",
     .summary = "DEALLOCATE ALL in the session",
     .statement = "DEALLOCATE ALL"},
    {.id = "reconnect", .summary = "a new connection in place of the session", .reconnect = true},
    {.id = "pgbouncer-session-lifetime",
     .summary = "PgBouncer in session mode with server_lifetime",
     .pooling = Pooling::kSession,
     .pooler_time = "server_lifetime"},
    {.id = "pgbouncer-session-idle",
     .summary = "PgBouncer in session mode with server_idle_timeout",
     .pooling = Pooling::kSession,
     .pooler_time = "server_idle_timeout"},
    {.id = "pgbouncer-transaction",
     .summary = "PgBouncer in transaction mode with server_lifetime",
     .pooling = Pooling::kTransaction,
     .pooler_time = "server_lifetime"},
    {.id = "custom-plans",
     .summary = "plan_cache_mode = force_custom_plan",
     .server_setting = "plan_cache_mode=force_custom_plan",
     .since_version = kSince12},
    {.id = "jit-off",
     .summary = "jit = off",
     .server_setting = "jit=off",
     .since_version = kSince11},
}};

std::string_view mode_of(Pooling pooling) {
    return pooling == Pooling::kSession ? "session" : "transaction";
}

std::string spaced(std::string_view setting) {
    const std::size_t equals = setting.find('=');
    return fmt::format("{} = {}", setting.substr(0, equals), setting.substr(equals + 1));
}

// "after each request", "after every 5 requests".
std::string after(std::uint64_t every, std::string_view what) {
    return every == 1 ? fmt::format("after each {}", what)
                      : fmt::format("after every {} {}s", every, what);
}

void plan_between_requests(TrialPlan& plan, const Intervention& intervention, std::uint64_t every) {
    plan.driver_options = {"--every", std::to_string(every)};
    if (intervention.reconnect) {
        plan.driver_options.emplace_back("--reconnect");
    } else {
        plan.driver_options.insert(plan.driver_options.end(),
                                   {"--between", std::string(intervention.statement)});
    }
    plan.description =
        fmt::format("{} {}",
                    intervention.reconnect ? std::string_view("reconnect") : intervention.statement,
                    after(every, "request"));
}

void plan_between_transactions(TrialPlan& plan, const Intervention& intervention) {
    plan.pooler_settings = {{"pool_mode = transaction"}};
    if (intervention.reconnect) {
        plan.pooler_settings->emplace_back("server_lifetime = 0");
        plan.description = "reconnect after each transaction (PgBouncer)";
    } else {
        plan.pooler_settings->push_back(
            fmt::format("server_reset_query = {}", intervention.statement));
        plan.pooler_settings->emplace_back("server_reset_query_always = 1");
        plan.description =
            fmt::format("{} after each transaction (PgBouncer)", intervention.statement);
    }
}

void plan_pooling(TrialPlan& plan, const Intervention& intervention) {
    // PgBouncer counts in whole seconds.
    const auto seconds = std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::seconds>(plan.period).count());
    const std::string mode(mode_of(intervention.pooling));
    plan.pooler_settings = {
        {"pool_mode = " + mode, fmt::format("{} = {}", intervention.pooler_time, seconds)}};
    plan.description =
        fmt::format("PgBouncer, {} mode, {} {} s", mode, intervention.pooler_time, seconds);
}

}  // namespace

std::span<const Intervention> interventions() {
    return kInterventions;
}

TrialPlan plan_of(const Intervention& intervention,
                  WorkloadKind workload,
                  std::chrono::nanoseconds duration,
                  std::uint64_t every) {
    TrialPlan plan{.intervention = intervention.id, .period = duration / kPeriods};
    if (!intervention.statement.empty() || intervention.reconnect) {
        if (workload == WorkloadKind::kScenario) {
            plan_between_requests(plan, intervention, every);
        } else {
            plan_between_transactions(plan, intervention);
        }
    } else if (intervention.pooling != Pooling::kNone) {
        plan_pooling(plan, intervention);
    } else if (!intervention.maintenance.empty()) {
        plan.maintenance = intervention.maintenance;
        plan.description = fmt::format("{} every {:g} s",
                                       intervention.maintenance,
                                       std::chrono::duration<double>(plan.period).count());
    } else if (!intervention.server_setting.empty()) {
        plan.server_settings = {std::string(intervention.server_setting)};
        plan.description = spaced(intervention.server_setting);
    } else {
        plan.description = "none";
    }
    return plan;
}

}  // namespace palloscope
