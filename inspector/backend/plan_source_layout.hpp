#pragma once

#include <array>
#include <cstdint>

#include "inspector/backend/memory_layout.hpp"

// Where the fields of prepared statements and cached plans lie.
namespace palloscope {

constexpr std::int32_t kSourceMagic = 195726186;  // CACHEDPLANSOURCE_MAGIC
constexpr std::int32_t kPlanMagic = 953717834;    // CACHEDPLAN_MAGIC
// PreparedStatement (commands/prepare.h): stmt_name, plansource, from_sql, prepare_time.
constexpr Offset kPreparedSource = 64;
constexpr Offset kPreparedFromSql = 72;
constexpr Offset kPreparedTime = 80;
constexpr Offset kPreparedBytes = 88;
// CachedPlan (utils/plancache.h).
constexpr Offset kPlanContext = 40;
constexpr Offset kPlanBytes = 48;

// CachedPlanSource (utils/plancache.h), by the first version that has it so.
struct PlanSourceLayout {
    int since_version_num;
    Offset query_string;
    Offset parser_setup;
    Offset context;
    Offset gplan;
};

constexpr std::array<PlanSourceLayout, 2> kPlanSourceLayouts{{
    {.since_version_num = 100000,
     .query_string = 16,
     .parser_setup = 48,
     .context = 80,
     .gplan = 136},
    {.since_version_num = 180000,
     .query_string = 24,
     .parser_setup = 56,
     .context = 104,
     .gplan = 160},
}};
constexpr Offset kSourceBytes = 168;

}  // namespace palloscope
