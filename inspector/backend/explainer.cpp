#include "inspector/backend/explainer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/library_function.hpp"
#include "attach/memory_copy.hpp"
#include "attach/proc.hpp"
#include "attach/resident_memory.hpp"
#include "attach/stopped_process.hpp"
#include "attach/waiting_calls.hpp"
#include "inspector/backend/accounting.hpp"
#include "inspector/backend/cache_memory.hpp"
#include "inspector/backend/catalog_caches.hpp"
#include "inspector/backend/child_reading.hpp"
#include "inspector/backend/hash_tables.hpp"
#include "inspector/backend/kept_contexts.hpp"
#include "inspector/backend/kept_statements.hpp"
#include "inspector/backend/listened_channels.hpp"
#include "inspector/backend/pending_invalidations.hpp"
#include "inspector/backend/relation_cache.hpp"
#include "inspector/backend/settings.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/backend/temporary_files.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// The structures of these are known (kLayouts of each part).
constexpr int kFirstVersion = 100000;
constexpr int kFirstUnknownVersion = 200000;
// It waits for a lock where the child was made in the middle of a malloc.
constexpr std::chrono::milliseconds kMallocTimeout{2000};
constexpr std::chrono::microseconds kRetryInterval{200};

void explain_caches(const StillBackend& backend,
                    std::span<const DynamicHash> tables,
                    std::size_t sample_keys,
                    Explanation& into) {
    auto memory = CacheMemory::read(backend);
    if (!memory) {
        into.unavailable.push_back({.part = "caches", .reason = memory.error().message});
        return;
    }
    CatalogCaches caches = read_catalog_caches(backend, *memory, sample_keys, into.unavailable);
    into.catalog_caches = std::move(caches.caches);
    into.relations =
        read_relation_cache(backend, tables, caches.schemas, *memory, into.unavailable);
    into.cache_memory_used_bytes = memory->used_bytes();
    into.cache_memory_attributed_bytes = memory->attributed_bytes();
}

void explain_tables(const StillBackend& backend,
                    std::span<const DynamicHash> tables,
                    Explanation& into) {
    for (const DynamicHash& table : tables) {
        HashTable entry{.name = table.name,
                        .entries = table.entries,
                        .bytes = backend.subtree_bytes(table.context)};
        if (table.name == kLocalLockTable) {
            into.locks = entry;
        }
        into.hash_tables.push_back(std::move(entry));
    }
    std::ranges::stable_sort(into.hash_tables, std::ranges::greater{}, &HashTable::bytes);
}

void explain_structures(const StillBackend& backend,
                        const Explainer::Options& options,
                        Explanation& into) {
    if (backend.version() < kFirstVersion || backend.version() >= kFirstUnknownVersion) {
        into.unavailable.push_back(
            {.part = "caches, statements, settings and hash tables",
             .reason =
                 fmt::format("their structures are known for PostgreSQL 10 to 19, and this is {}",
                             server_version_text(backend.version()))});
        return;
    }
    const std::vector<DynamicHash> tables = find_hash_tables(backend, into.unavailable);
    explain_tables(backend, tables, into);
    explain_caches(backend, tables, options.sample_keys, into);
    KeptStatements kept = read_kept_statements(backend, tables, options.literals, into.unavailable);
    into.prepared_statements = std::move(kept.prepared);
    into.kept_plans = std::move(kept.plans);
    into.portals = std::move(kept.portals);
    into.functions = std::move(kept.functions);
    into.settings = read_settings(backend, tables, into.unavailable);
    into.channels = read_listened_channels(backend, tables, into.unavailable);
    into.pending_invalidations = read_pending_invalidations(backend, into.unavailable);
}

void explain_chunks(const StillBackend& backend,
                    const std::vector<std::string>& names,
                    Explanation& into) {
    const std::vector<MemoryContext>& contexts = backend.tree().contexts;
    for (std::size_t i = 0; i < contexts.size(); ++i) {
        if (std::ranges::find(names, contexts[i].name) == names.end()) {
            continue;
        }
        if (contexts[i].type != ContextType::kAllocSet) {
            into.unavailable.push_back(
                {.part = "chunks of " + contexts[i].name,
                 .reason = fmt::format("a {} context does not tell chunks in use from free ones",
                                       to_string(contexts[i].type))});
            continue;
        }
        const auto chunks = ContextChunks::read(
            backend.memory(), backend.layout(), backend.address_of(i), backend.blocks_of(i));
        if (chunks) {
            into.chunks.push_back({.context = i, .sizes = chunks->sizes()});
        } else {
            into.unavailable.push_back(
                {.part = "chunks of " + contexts[i].name, .reason = chunks.error().message});
        }
    }
}

struct MallocAnswer {
    MallocTotals totals;
    std::int64_t trim_would_return_bytes = 0;
};

// What malloc of the child says of itself, and what it gives back when it is told to; the child
// ends with that. Both are glibc's.
Result<MallocAnswer> ask_malloc(CopyOnWriteChild& child, const ResidentMemory& resident) {
    const auto function = [&](std::string_view name) {
        return find_library_function(child.pid(), resident.mappings(), "libc", name);
    };
    const auto stats = function("malloc_stats");
    const auto trim = function("malloc_trim");
    if (!stats || !trim) {
        const bool is_musl = std::ranges::any_of(resident.mappings(), [](const Mapping& mapping) {
            return mapping.path.find("musl") != std::string::npos;
        });
        return is_musl ? failure(Error::Kind::kUnsupported,
                                 "its C library is musl, whose malloc says nothing of itself")
                       : tl::unexpected(stats ? trim.error() : stats.error());
    }
    const std::array<FunctionCall, 2> calls{FunctionCall{*stats, {}}, FunctionCall{*trim, {0}}};
    std::uint64_t trimmed_bytes = resident.total_bytes();
    const auto text = child.call_in_turn(calls, kMallocTimeout, [&] {
        if (const auto trimmed = ResidentMemory::read(child.pid())) {
            trimmed_bytes = trimmed->total_bytes();
        }
    });
    if (!text) {
        return tl::unexpected(text.error());
    }
    const auto totals = parse_malloc_stats(*text);
    if (!totals) {
        return failure(Error::Kind::kFailed, "malloc_stats gave no figures");
    }
    // The calls themselves take a page or two of the stack.
    return MallocAnswer{.totals = *totals,
                        .trim_would_return_bytes =
                            trimmed_bytes < resident.total_bytes()
                                ? static_cast<std::int64_t>(resident.total_bytes() - trimmed_bytes)
                                : 0};
}

// Of malloc can be asked only where the backend waits for others: one at work does between two
// statements, or soon after.
void await_wait(pid_t pid) {
    constexpr std::chrono::milliseconds kLongest{50};
    const Clock::time_point until = Clock::now() + kLongest;
    for (auto call = read_syscall(pid);
         call && !waits_for_others(call->value_or(-1)) && Clock::now() < until;
         call = read_syscall(pid)) {
        std::this_thread::sleep_for(kRetryInterval);
    }
}

}  // namespace

Result<Explainer> Explainer::open(pid_t pid, Options options) {
    auto opened = Backend::open(pid);
    if (!opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    auto backend = std::make_unique<Backend>(std::move(*opened));
    auto reader = ContextReader::create(*backend, options.literals);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    return Explainer(std::move(backend), std::move(*reader), std::move(options));
}

Result<Reading> Explainer::study(pid_t pid,
                                 const MemorySource& memory,
                                 CopyOnWriteChild* child,
                                 ContextReader::Moment moment,
                                 Explanation& into) {
    into = {};
    // First: reading maps the page of zeros wherever nothing was written yet.
    const auto resident = ResidentMemory::read(pid);
    const auto status = read_status(pid);
    // RssAnon leaves out what each processor has yet to add (proc(5): "inaccurate").
    const auto rollup = read_smaps_rollup(pid);  // Linux 4.14
    MemoryCopy pages(memory);
    ContextPlaces places;
    auto reading = reader_.read_still(pages, moment, places);
    if (!reading) {
        return reading;
    }
    const StillBackend backend(*backend_, memory, pages, reader_.layout(), reading->tree, places);
    explain_structures(backend, options_, into);
    explain_chunks(backend, options_.chunks_of, into);
    if (const auto files = read_temporary_files(pid)) {
        into.temporary_files = *files;
    } else {
        into.unavailable.push_back({.part = "temporary files", .reason = files.error().message});
    }
    if (!resident || !status) {
        into.unavailable.push_back(
            {.part = "accounting",
             .reason = resident ? status.error().message : resident.error().message});
        return reading;
    }
    const auto kept = kept_context_bytes(backend, *resident);
    if (!kept) {
        into.unavailable.push_back(
            {.part = "contexts kept for reuse", .reason = kept.error().message});
    }
    // Last, since the child ends with it.
    const auto malloc =
        child == nullptr
            ? failure(Error::Kind::kUnsupported, "only a copy-on-write child can be asked")
        : child->waited() ? ask_malloc(*child, *resident)
                          : failure(Error::Kind::kUnsupported,
                                    "the backend was at work, perhaps in malloc itself");
    if (malloc) {
        into.trim_would_return_bytes = malloc->trim_would_return_bytes;
    } else {
        into.unavailable.push_back({.part = "what malloc keeps free, and would give back",
                                    .reason = malloc.error().message});
    }
    into.accounting = account_for(backend,
                                  *resident,
                                  rollup ? rollup->anonymous_bytes : status->rss_anon_bytes,
                                  kept.value_or(0),
                                  malloc ? std::optional(malloc->totals) : std::nullopt);
    into.accounting->swap_bytes = rollup ? rollup->swap_bytes : 0;
    return reading;
}

Result<Reading> Explainer::freeze(Clock::time_point deadline, Explanation& into) {
    double pause_us = 0;
    for (bool first = true;; first = false) {
        (void)reader_.look_for_contexts();
        std::optional<Result<Reading>> reading;
        {
            const auto stopped = StoppedProcess::seize(backend_->process());
            if (!stopped) {
                return tl::unexpected(stopped.error());
            }
            const auto moment = ContextReader::moment_of(*backend_, /*is_first_look=*/first);
            reading = study(backend_->pid(), backend_->memory(), nullptr, moment, into);
            pause_us +=
                std::chrono::duration<double, std::micro>(Clock::now() - stopped->interrupted_at())
                    .count();
        }
        if (*reading) {
            (*reading)->pause_us = pause_us;
            return std::move(*reading);
        }
        if (reading->error().kind != Error::Kind::kTimeout || Clock::now() >= deadline) {
            return std::move(*reading);
        }
        std::this_thread::sleep_for(kRetryInterval);
    }
}

Result<Explanation> Explainer::explain(std::optional<Method> method,
                                       std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    Method used = method.value_or(Method::kFork);
    if (used != Method::kFork && used != Method::kFreeze) {
        return failure(Error::Kind::kUsage,
                       fmt::format("--method {} cannot explain a backend", to_string(used)),
                       "use --method fork, or freeze, which holds it for longer");
    }
    Explanation explanation;
    StoppedProcess::release_late_stops();
    if (used == Method::kFork) {
        await_wait(backend_->pid());
    }
    auto reading =
        used == Method::kFork
            ? study_child(*backend_,
                          gadgets_,
                          deadline,
                          [&](CopyOnWriteChild& child, ContextReader::Moment moment) {
                              return study(
                                  child.pid(), child.memory(), &child, moment, explanation);
                          })
            : freeze(deadline, explanation);
    std::string detour;
    if (!reading && used == Method::kFork && gives_no_child(reading.error())) {
        used = Method::kFreeze;
        detour = std::move(reading.error().message);
        reading = freeze(deadline, explanation);
    }
    if (!reading) {
        return tl::unexpected(std::move(reading.error()));
    }
    explanation.snapshot = {.taken_at_ns = reading->taken_at_ns,
                            .method = used,
                            .detour = std::move(detour),
                            .pause_us = reading->pause_us,
                            .server_version_num = backend_->server_version_num(),
                            .process = std::move(reading->process),
                            .tree = std::move(reading->tree)};
    return explanation;
}

}  // namespace palloscope
