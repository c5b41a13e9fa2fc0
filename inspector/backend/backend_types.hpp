#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace palloscope {

// How a title begins, and what pg_stat_activity.backend_type calls that process
// (src/backend/utils/init/miscinit.c, GetBackendTypeDesc; 10 and older add " process" and have
// names of their own).
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kBackendTypes{{
    {"archiver", "archiver"},
    {"autovacuum launcher", "autovacuum launcher"},
    {"autovacuum worker", "autovacuum worker"},
    {"background writer", "background writer"},
    {"bgworker: ", "background worker"},
    {"checkpointer", "checkpointer"},
    {"io worker", "io worker"},
    {"logger", "logger"},
    {"logical replication", "background worker"},
    {"parallel worker", "parallel worker"},
    {"slotsync worker", "slotsync worker"},
    {"startup", "startup"},
    {"stats collector", "stats collector"},
    {"walreceiver", "walreceiver"},
    {"walsender", "walsender"},
    {"walsummarizer", "walsummarizer"},
    {"walwriter", "walwriter"},
    {"wal sender", "walsender"},
    {"wal writer", "walwriter"},
    {"writer", "background writer"},
}};

}  // namespace palloscope
