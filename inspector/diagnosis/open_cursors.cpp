// open-cursors: cursors that are opened and never closed.
//
// A cursor WITH HOLD outlives its transaction with all of its rows, up to work_mem in memory and
// the rest in a temporary file, until CLOSE or the end of the session (portalcmds.c,
// PersistHoldablePortal). Any other one keeps its executor until CLOSE or the end of its
// transaction.

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/query_word.hpp"
#include "inspector/diagnosis/readable.hpp"
#include "inspector/diagnosis/series_growth.hpp"

namespace palloscope {

namespace {

// A statement that runs has a portal too: one, or one in each function that it calls.
constexpr double kFewestCursors = 8;

bool covers(std::string_view path) {
    const std::string_view family = context_family(path);
    // PortalMemory: up to PostgreSQL 10.
    return family == "TopPortalContext" || family == "PortalMemory" || family == "Portal hash";
}

bool is_portal(std::string_view path) {
    // PortalHeapMemory: up to PostgreSQL 10.
    return path.ends_with("/PortalContext") || path.ends_with("/PortalHeapMemory");
}

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    return verb == "DECLARE"                   ? std::optional(0)
           : verb == "FETCH" || verb == "MOVE" ? std::optional(1)
                                               : std::nullopt;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    // At the snapshots that are judged: those open at the last one of all may be of a transaction.
    const double open = series_growth(suspicion.contexts, is_portal).contexts;
    const double held = series_growth(suspicion.contexts, is_held_cursor).contexts;
    if (open < kFewestCursors) {
        return std::nullopt;
    }
    const auto parts = grown_parts(suspicion.backend);
    const bool declared = !ranked_groups(suspicion, rank).empty();
    Finding finding{
        .title = "Cursors are opened and never closed",
        .confidence = usual_confidence(
            suspicion,
            {.explained = parts && bytes_of(*parts, GrownPart::Kind::kHeldCursor) > 0,
             .telling_statements = declared}),
        .groups = all_groups(suspicion),
        .remedies = {
            "CLOSE each cursor as soon as its last page was fetched or given up; CLOSE ALL closes "
            "all of the session. psycopg closes a named cursor with its with block, pgjdbc with "
            "its ResultSet or Statement.",
            "For paging, ask for the next page by its key (WHERE id > $1 ORDER BY id LIMIT 20): "
            "nothing has to be kept between two pages.",
            "Without WITH HOLD a cursor ends with its transaction.",
            "DISCARD ALL closes them when a connection goes back to its pool: pgbouncer's "
            "server_reset_query, in session pooling (in the others server_reset_query_always = 1 "
            "has it run too)."}};
    finding.whole = true;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {fmt::format("{} more cursors are open at the end of the recording than at its beginning, "
                     "{} of them held beyond their transaction.",
                     readable_count(open),
                     readable_count(held))});
    return finding;
}

}  // namespace

CauseRule open_cursors_rule() {
    return {.id = "open-cursors",
            .covers = covers,
            .rank = rank,
            .explain = explain,
            .by_what_is_kept = true};
}

}  // namespace palloscope
