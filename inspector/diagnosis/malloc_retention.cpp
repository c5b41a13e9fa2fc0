// malloc-retention: memory that PostgreSQL has freed and that malloc keeps.
//
// malloc gives the top of its heap back to the kernel, not what lies below something that is still
// in use (mallopt(3), M_TRIM_THRESHOLD). Blocks of 128 kB and more are mapped by themselves and go
// at once, until the first of them is freed: then that threshold rises with them (M_MMAP_THRESHOLD,
// dynamic).

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/outside_growth.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

bool covers(std::string_view path) {
    return path == kOutsideContexts;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const double given_back = given_back_bytes(suspicion.backend);
    const std::optional<double> freed = growth_kept_by_malloc(suspicion.backend);
    const bool explained = freed && *freed > suspicion.bytes / 2;
    const bool refuted = freed && *freed < suspicion.bytes / 4;
    const bool seems_so = given_back >= suspicion.bytes / 2 && !refuted;
    if (!is_worth_a_cause(suspicion) || !(explained || seems_so)) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Memory that PostgreSQL has freed stays with malloc",
        .confidence = usual_confidence(suspicion, {.explained = explained}),
        .groups = all_groups(suspicion),
        .remedies = {
            "It is used again by the next statement of that size, and grows no further than the "
            "largest one: make the largest ones smaller (batches of a fixed size), or run them in "
            "connections of their own that end with them.",
            "MALLOC_TRIM_THRESHOLD_=131072 and MALLOC_MMAP_THRESHOLD_=65536 in the environment of "
            "the postmaster (a restart) have glibc map large blocks by themselves and give them "
            "back at once; blocks below stay as they are. MALLOC_ARENA_MAX changes nothing: a "
            "backend has one thread, and so one arena.",
            "Else end connections after a number of uses.",
            kPoolsThatEndConnectionsByAge}};
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {fmt::format(
            "The contexts held up to {} more at other moments than they hold at rest, while "
            "RssAnon beyond them grew by {} and stays.",
            readable_bytes(given_back),
            readable_bytes(suspicion.bytes))});
    if (explained) {
        finding.evidence.push_back(fmt::format(
            "Explanations find {} more that malloc keeps and that contexts do not hold at rest.",
            readable_bytes(*freed)));
    }
    return finding;
}

}  // namespace

CauseRule malloc_retention_rule() {
    return {.id = "malloc-retention", .covers = covers, .explain = explain, .may_settle = false};
}

}  // namespace palloscope
