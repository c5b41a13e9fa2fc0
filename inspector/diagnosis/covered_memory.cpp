#include "inspector/diagnosis/covered_memory.hpp"

#include <algorithm>
#include <string>

namespace palloscope {

namespace {

ContextSeries process_series(const BackendHistory& backend,
                             std::string_view path,
                             std::int64_t (*figure)(const SnapshotSummary&)) {
    ContextSeries series{.path = std::string(path)};
    for (const SnapshotSummary& snapshot : backend.snapshots) {
        series.figures.push_back({.used_bytes = figure(snapshot)});
    }
    return series;
}

}  // namespace

CoveredMemory::CoveredMemory(const BackendHistory& backend, const SnapshotChoice& choice)
    : backend_(backend),
      choice_(choice),
      process_{
          process_series(backend,
                         kOutsideContexts,
                         [](const SnapshotSummary& snapshot) {
                             return snapshot.rss_anon_bytes - snapshot.total.total_bytes;
                         }),
          process_series(backend,
                         kSharedMemory,
                         [](const SnapshotSummary& snapshot) { return snapshot.rss_shmem_bytes; }),
      } {}

template <typename Visitor>
void CoveredMemory::for_each(Covers covers, const Visitor& visit) const {
    for (const std::vector<ContextSeries>* const all : {&backend_.contexts, &process_}) {
        for (const ContextSeries& series : *all) {
            if (series.figures.size() == backend_.snapshots.size() && covers(series.path)) {
                visit(series);
            }
        }
    }
}

std::int64_t CoveredMemory::growth_of(const ContextSeries& series, std::size_t from) const {
    return series.figures[choice_.indices.back()].used_bytes - series.figures[from].used_bytes;
}

std::vector<double> CoveredMemory::bytes(Covers covers) const {
    std::vector<double> sum(backend_.snapshots.size());
    for_each(covers, [&](const ContextSeries& series) {
        for (std::size_t i = 0; i < sum.size(); ++i) {
            sum[i] += static_cast<double>(series.figures[i].used_bytes);
        }
    });
    return sum;
}

std::vector<ContextGrowth> CoveredMemory::growth(Covers covers) const {
    const std::size_t first = choice_.indices.front();
    const std::size_t last = choice_.indices.back();
    std::vector<ContextGrowth> grown;
    for_each(covers, [&](const ContextSeries& series) {
        const bool counted = series.count.size() == series.figures.size();
        if (const std::int64_t bytes = growth_of(series, first); bytes > 0) {
            grown.push_back({.path = series.path,
                             .bytes = bytes,
                             .contexts = counted ? series.count[last] - series.count[first] : 0});
        }
    });
    std::ranges::stable_sort(grown, std::ranges::greater(), &ContextGrowth::bytes);
    return grown;
}

double CoveredMemory::shared_part(Covers whole, Covers part, std::size_t from) const {
    std::int64_t of_whole = 0;
    std::int64_t of_part = 0;
    for_each(whole, [&](const ContextSeries& series) {
        const std::int64_t bytes =
            std::max<std::int64_t>(growth_of(series, choice_.indices[from]), 0);
        of_whole += bytes;
        of_part += part(series.path) ? bytes : 0;
    });
    return of_whole > 0 ? static_cast<double>(of_part) / static_cast<double>(of_whole) : 0.0;
}

}  // namespace palloscope
