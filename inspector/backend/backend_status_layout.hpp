#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "inspector/backend/backend_status.hpp"
#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Offsets in PgBackendStatus: 10 to 19 seen on live servers. st_changecount comes first, then
// st_procpid; 12 put what GSSAPI needs before the state.
constexpr Offset kPidAt = 4;
constexpr Offset kProcessStartAt = 16;
constexpr Offset kStatementStartAt = 32;
constexpr Offset kStateStartAt = 40;

struct StatusLayout {
    int since_version_num;
    Offset state;
    Offset query;  // st_activity, st_activity_raw from 11 on
};

constexpr std::array<StatusLayout, 2> kStatusLayouts{{
    {100000, 216, 232},
    {120000, 232, 248},
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
