#include "tests/inspector/report/report_sample.hpp"

#include <tuple>
#include <utility>

namespace palloscope {

namespace {

Cause catalog_churn() {
    Cause cause{
        .id = "catalog-churn",
        .title = "Objects made and dropped again and again stay in the backend's catalog caches",
        .confidence = 0.97,
        .bytes = 12'475'000,
        .share = 0.93,
        .contexts = {{.path = "TopMemoryContext/CacheMemoryContext", .bytes = 9'400'000},
                     {.path = "TopMemoryContext/CacheMemoryContext/index info",
                      .bytes = 3'100'000,
                      .contexts = 1204}},
        .evidence = {"9.90 kB stay after each transaction (95 % interval: 9.70 kB to 10.1 kB)."},
        .remedies = {"End the connection after each such load, or after every few hundred: the "
                     "memory goes with the backend."}};
    for (const auto& [query, calls, own] :
         {std::tuple("CREATE SCHEMA policy_loader_*", 1.0, 2048.0),
          std::tuple("DROP SCHEMA policy_loader_* CASCADE", 1.0, -36864.0),
          std::tuple("CREATE TABLE roles AS SELECT * FROM public.roles WHERE $1 = $2", 1.0, 9000.0),
          std::tuple(
              "INSERT INTO roles (role_id, created_at, policy_id, a_column_with_a_long_name) "
              "VALUES ($1, $2, $3, $4)",
              5.0,
              0.0)}) {
        cause.statements.push_back({.fingerprint = "00000000000000aa",
                                    .query = query,
                                    .calls = 1204,
                                    .bytes_per_call = {.value = 10137, .low = 9933, .high = 10342},
                                    .group = "g1",
                                    .calls_in_a_round = calls,
                                    .own_bytes_per_call = own});
    }
    cause.statements.push_back({.fingerprint = "00000000000000ab",
                                .query = "CREATE TEMP TABLE numbers (n integer)",
                                .calls = 300,
                                .bytes_per_call = {.value = 900, .low = 850, .high = 950}});
    return cause;
}

}  // namespace

Diagnosis sample_diagnosis() {
    BackendDiagnosis leaking{
        .process = {.pid = 4242,
                    .database = "postgres",
                    .user = "app",
                    .application_name = "puma: worker 0"},
        .server_version_num = 150018,
        .growth = {.verdict = GrowthVerdict::kLeak,
                   .bytes = 13'400'000,
                   .seconds = 2952,
                   .bytes_per_second = {.value = 4300, .low = 4100, .high = 4500},
                   .warm_up_bytes = 880'000,
                   .warm_up_seconds = 14},
        .causes = {catalog_churn()},
        .unexplained_bytes = 925'000,
        .snapshots = 590,
        .executions = 140'000,
        .picture = {1'000'000, 3'000'000, 5'000'000, 7'000'000, 9'000'000, 14'400'000},
        .notes = {"2 snapshots were missed: the one before was not done, or no safe moment came."}};
    BackendDiagnosis settled{.process = {.pid = 4243},
                             .server_version_num = 150018,
                             .growth = {.verdict = GrowthVerdict::kSettled, .bytes = 600'000}};
    BackendDiagnosis unjudged{.process = {.pid = 4244}, .server_version_num = 150018};
    return {.backends = {std::move(leaking), std::move(settled), std::move(unjudged)},
            .statement_source = "journal:test",
            .notes = {"3 lines of the journal were skipped."}};
}

}  // namespace palloscope
