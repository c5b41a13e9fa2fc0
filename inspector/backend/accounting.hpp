#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "attach/resident_memory.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// What malloc itself says of its arenas.
struct MallocTotals {
    std::int64_t system_bytes = 0;  // taken from the kernel
    std::int64_t in_use_bytes = 0;

    bool operator==(const MallocTotals&) const = default;
};

// The totals in the text that malloc_stats(3) of glibc prints, without what it has mapped for
// single pieces; none where it is another text.
[[nodiscard]] std::optional<MallocTotals> parse_malloc_stats(std::string_view text);

// What the resident anonymous pages of a backend are: each byte of each page is counted for one
// item. `kept_context_bytes` are those of dead contexts. `malloc_totals` parts what malloc has and
// no context: without them all of it is called used.
[[nodiscard]] Accounting account_for(const StillBackend& backend,
                                     const ResidentMemory& resident,
                                     std::int64_t rss_anon_bytes,
                                     std::int64_t kept_context_bytes,
                                     const std::optional<MallocTotals>& malloc_totals);

}  // namespace palloscope
