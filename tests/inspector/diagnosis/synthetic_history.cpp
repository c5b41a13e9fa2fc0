#include "tests/inspector/diagnosis/synthetic_history.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace palloscope {

namespace {

// Mon Nov 23 2026 09:00 UTC.
constexpr std::int64_t kStart = 1795424400'000'000'000;

std::int64_t moment(double seconds) {
    return kStart + std::llround(seconds * 1e9);
}

}  // namespace

double Dice::normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) {
        sum += uniform();
    }
    return sum;
}

int Dice::poisson(double mean) {
    const double limit = std::exp(-mean);
    int count = 0;
    for (double product = uniform(); product > limit; product *= uniform()) {
        ++count;
    }
    return count;
}

std::size_t SyntheticBackend::form(const std::string& query, const std::string& family) {
    const auto [at, is_new] = form_of_.try_emplace(query, forms_.size());
    if (is_new) {
        forms_.push_back({.text = query,
                          .fingerprint = fmt::format("{:016x}", forms_.size() + 1),
                          .family = family});
    }
    return at->second;
}

void SyntheticBackend::run(double seconds,
                           const std::string& query,
                           const std::string& path,
                           double bytes) {
    run(seconds, query, query, path, bytes);
}

void SyntheticBackend::run(double seconds,
                           const std::string& query,
                           const std::string& family,
                           const std::string& path,
                           double bytes) {
    const auto seq = static_cast<std::int64_t>(backend_.executions.size());
    backend_.executions.push_back({.form = form(query, family),
                                   .seq = seq,
                                   .started_at_ns = moment(seconds) - 100'000,
                                   .ended_at_ns = moment(seconds)});
    if (!path.empty()) {
        grow(path, bytes);
    }
}

void SyntheticBackend::snapshot(double seconds, const std::string& state, double passing_bytes) {
    SnapshotSummary summary{.taken_at_ns = moment(seconds), .pause_us = 300, .state = state};
    const std::size_t before = backend_.snapshots.size();
    std::map<std::string, double> figures = bytes_;
    figures["TopMemoryContext"] += 80'000;
    figures["TopMemoryContext/TopTransactionContext"] += passing_bytes;
    for (const auto& [path, bytes] : figures) {
        auto series = std::ranges::find(backend_.contexts, path, &ContextSeries::path);
        if (series == backend_.contexts.end()) {
            backend_.contexts.push_back({.path = path,
                                         .figures = std::vector<ContextFigures>(before),
                                         .count = std::vector<std::int32_t>(before)});
            series = backend_.contexts.end() - 1;
        }
        const auto used = static_cast<std::int64_t>(bytes);
        const auto free = static_cast<std::int64_t>(free_bytes_[path]);
        const ContextFigures context{
            .total_bytes = used + free, .total_nblocks = 1, .free_bytes = free, .used_bytes = used};
        series->figures.push_back(context);
        series->count.push_back(1 + contexts_[path]);
        summary.total += context;
    }
    summary.rss_anon_bytes = std::llround(outside_bytes_) + summary.total.total_bytes;
    summary.rss_shmem_bytes = std::llround(shared_bytes_);
    backend_.snapshots.push_back(summary);
}

History SyntheticBackend::history(const std::string& source) const {
    History history{.forms = forms_, .backends = {backend_}, .statement_source = source};
    BackendHistory& backend = history.backends.front();
    backend.server_version_num = 150018;
    backend.process.pid = 4242;
    backend.process.database = "postgres";
    backend.process.user = "app";
    backend.process.application_name = "puma: cluster worker 0: 152 [Conjur API Server]";
    backend.end = "duration";
    return history;
}

void run_policy_load(SyntheticBackend& backend, double seconds, int number, double stays) {
    const std::string schema = fmt::format(
        "policy_loader_{:016x}", 0x9e3779b97f4a7c15U * static_cast<std::uint64_t>(number));
    const std::string family = "policy_loader_*";
    const auto step = [&](int index, const std::string& before, const std::string& after) {
        backend.run(seconds - 0.02 + index * 0.001,
                    before + schema + after,
                    before + family + after,
                    "",
                    0);
    };
    backend.run(seconds - 0.021, "BEGIN");
    step(0, "CREATE SCHEMA ", "");
    step(1, "SET search_path = ", "");
    int index = 2;
    for (const char* table :
         {"roles", "resources", "role_memberships", "permissions", "annotations"}) {
        backend.run(
            seconds - 0.02 + index++ * 0.001,
            fmt::format("CREATE TABLE {0} AS SELECT * FROM public.{0} WHERE $1 = $2", table));
        step(index++,
             fmt::format("INSERT INTO public.{0} SELECT * FROM ", table),
             fmt::format(".{}", table));
    }
    step(index++, "DROP SCHEMA ", " CASCADE");
    backend.run(seconds, "COMMIT", kCatalogCache, stays);
}

}  // namespace palloscope
