// session-state, and no leak: buffers for the pages of temporary tables.
//
// A session takes them as it comes to need them, up to temp_buffers, and keeps them until it ends,
// also when its tables are gone (localbuf.c, GetLocalBufferStorage). With a large temp_buffers that
// may take longer than a recording lasts.

#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

std::optional<Finding> explain(const Suspicion& suspicion) {
    if (suspicion.trend.verdict != GrowthVerdict::kLeak) {
        return std::nullopt;
    }
    return Finding{
        .title = "Buffers for temporary tables fill up, as far as temp_buffers allows",
        .confidence = 0.95,
        .evidence = {fmt::format("LocalBufferContext, which holds nothing else, grew by {}.",
                                 readable_bytes(suspicion.bytes)),
                     beside_rss_anon(suspicion)},
        .remedies = {
            "Nothing has to be done where there is memory for it: it ends at temp_buffers (8 MB "
            "where nobody set it), for each session. Else a smaller temp_buffers, in "
            "postgresql.conf, by ALTER ROLE, or by SET before the session's first temporary table.",
            "The buffers stay until the session ends: neither DROP TABLE nor DISCARD TEMP gives "
            "them back.",
            kPoolsThatEndConnectionsByAge}};
}

}  // namespace

CauseRule temporary_buffers_rule() {
    return {.id = "session-state",
            .covers = is_for_temporary_tables,
            .explain = explain,
            .leaks = false};
}

}  // namespace palloscope
