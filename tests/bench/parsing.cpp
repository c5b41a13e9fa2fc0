// What it costs to make text safe and to read it, against the nearest thing that somebody else
// wrote.

#include <benchmark/benchmark.h>
#include <pg_query.h>

#include <string>

#include "inspector/backend/stats_text.hpp"
#include "inspector/statements/form.hpp"
#include "tests/golden/golden_files.hpp"

namespace palloscope {
namespace {

constexpr const char* kStatement =
    "INSERT INTO policy_loader_0123456789abcdef.resources (resource_id, owner_id, policy_id) "
    "VALUES ('demo:host:x/1', 'demo:group:x/admins', 'demo:policy:x'), ('demo:host:x/2', 'g', 'p')";

void statement_form_of_an_insert(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(statement_form(kStatement));
    }
}

BENCHMARK(statement_form_of_an_insert);

// The rival: libpg_query's own way to mask literals, which leaves many in
// (shared/reference/libraries.md).
void pg_query_normalize_of_an_insert(benchmark::State& state) {
    for (auto _ : state) {
        const PgQueryNormalizeResult result = pg_query_normalize(kStatement);
        benchmark::DoNotOptimize(result.normalized_query);
        pg_query_free_normalize_result(result);
    }
}

BENCHMARK(pg_query_normalize_of_an_insert);

void parse_the_stats_of_a_backend(benchmark::State& state) {
    const GoldenStats golden = golden_stats("17.txt", 170010);
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_stats_text(golden.text, golden.server_version_num));
    }
    state.SetBytesProcessed(state.iterations() * std::ssize(golden.text));
}

BENCHMARK(parse_the_stats_of_a_backend);

}  // namespace
}  // namespace palloscope

BENCHMARK_MAIN();
