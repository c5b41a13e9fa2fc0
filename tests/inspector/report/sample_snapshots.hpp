#pragma once

#include <utility>

#include "inspector/model/snapshot.hpp"

namespace palloscope {

// A snapshot of a backend as the tests of views want it, with this tree.
inline Snapshot snapshot_of(ContextTree tree) {
    return {
        .taken_at_ns = 1'795'424'400'123'456'000,  // 2026-11-23 09:00:00.123456 UTC
        .method = Method::kCall,
        .pause_us = 412,
        .server_version_num = 150018,
        .process = {.pid = 4242,
                    .backend_type = "client backend",
                    .database = "postgres",
                    .user = "app",
                    .application_name = "puma: cluster worker 0",
                    .state = "idle",
                    .rss_anon_bytes = 26'740'000},
        .tree = std::move(tree),
    };
}

inline Snapshot small_snapshot() {
    return snapshot_of({.contexts = {
                            {.name = "TopMemoryContext", .figures = {97664, 5, 12400, 12, 85264}},
                            {.name = "CacheMemoryContext",
                             .parent = 0,
                             .level = 2,
                             .figures = {1048576, 8, 281280, 0, 767296}},
                            {.name = "index info",
                             .ident = "pg_class_oid_index",
                             .parent = 1,
                             .level = 3,
                             .figures = {2048, 2, 840, 3, 1208}},
                            {.name = "Tuples",
                             .type = ContextType::kGeneration,
                             .parent = 0,
                             .level = 2,
                             .figures = {8192, 1, 8152, 0, 40}},
                        }});
}

}  // namespace palloscope
