#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "inspector/backend/backend_status.hpp"
#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Offsets in PgBackendStatus: 9.4, 9.6 and 10 to 19 seen on live servers, 9.5 by its source.
// st_changecount comes first, then st_procpid; 9.5 has what SSL needs before the state, 12 what
// GSSAPI needs, and 10 put the type of the backend before the times.
constexpr Offset kPidAt = 4;

struct StatusLayout {
    int since_version_num;
    Offset process_start;
    Offset transaction_start;
    Offset statement_start;
    Offset state_start;
    Offset state;
    Offset query;  // st_activity, st_activity_raw from 11 on
};

constexpr std::array<StatusLayout, 4> kStatusLayouts{{
    {90400, 8, 16, 24, 32, 196, 208},
    {90500, 8, 16, 24, 32, 208, 224},
    {100000, 16, 24, 32, 40, 216, 232},
    {120000, 16, 24, 32, 40, 232, 248},
}};
static_assert(kStatusLayouts.back().query + 8 <= kBackendStatusBytes);

// BackendState, in its order. 18 put STATE_STARTING behind STATE_UNDEFINED.
constexpr std::array<std::string_view, 7> kBackendStates{"",
                                                         "idle",
                                                         "active",
                                                         "idle in transaction",
                                                         "fastpath function call",
                                                         "idle in transaction (aborted)",
                                                         "disabled"};
constexpr int kFirstVersionWithStarting = 180000;

}  // namespace palloscope
