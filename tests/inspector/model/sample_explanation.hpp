#pragma once

#include "inspector/model/explanation.hpp"

namespace palloscope {

// One with something in every part, but for its snapshot and chunks.
inline Explanation sample_explanation() {
    return {
        .catalog_caches = {{.catalog = "pg_class",
                            .keys = {"relname", "relnamespace"},
                            .entries = 12,
                            .negative_entries = 3000,
                            .dead_entries = 1,
                            .lists = 2,
                            .bytes = 900'000},
                           {.catalog = "pg_type", .keys = {}, .entries = 5, .bytes = 4096}},
        .relations = {{.oid = 16384,
                       .name = "t1",
                       .kind = 'r',
                       .valid = false,
                       .temporary = true,
                       .dropped = true,
                       .bytes = 1500},
                      {.oid = 4'294'967'295,
                       .name = "pg_class",
                       .schema = "pg_catalog",
                       .kind = 'r',
                       .valid = true,
                       .bytes = 4900}},
        .prepared_statements = {{.name = "s1",
                                 .query = "select $1",
                                 .from_sql = true,
                                 .prepared_at_ns = 1'763'888'400'000'001'000,
                                 .generic = true,
                                 .bytes = 7168,
                                 .used_bytes = 5120}},
        .kept_plans = {{.query = "TG_TABLE_NAME = $1", .owner = "plpgsql", .bytes = 6144}},
        .portals = {{.name = "c1", .held = true, .bytes = 9000}},
        .functions = {{.signature = "grant_to_owner()", .bytes = 16384}},
        .settings = {{.name = "app.user", .placeholder = true, .bytes = 220}, {.name = "work_mem"}},
        .channels = {{.name = "events", .bytes = 32}},
        .pending_invalidations = {{.kind = "catcache", .messages = 20, .bytes = 320},
                                  {.kind = "relcache", .messages = 1, .bytes = 16}},
        .temporary_files = {.files = 2, .bytes = 1'048'576},
        .locks = HashTable{.name = std::string(kLocalLockTable), .entries = 7, .bytes = 16384},
        .hash_tables = {{.name = "LOCALLOCK hash", .entries = 7, .bytes = 16384},
                        {.name = "Portal hash", .entries = 1, .bytes = 8192}},
        .cache_memory_used_bytes = 1'000'000,
        .cache_memory_attributed_bytes = 985'000,
        .accounting = Accounting{.rss_anon_bytes = 2'000'000,
                                 .items = {{"contexts-used", 1'500'000}, {"stack", 0}},
                                 .unexplained_bytes = 500'000,
                                 .swap_bytes = 4096},
        .trim_would_return_bytes = 131'072,
        .unavailable = {{.part = "functions", .reason = "no plpgsql.so"}}};
}

}  // namespace palloscope
