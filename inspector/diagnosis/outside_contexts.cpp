// outside-contexts: memory that is taken from malloc or the kernel and lies in no memory context:
// by JIT, by libraries (XML, ICU, TLS), by extensions and procedural languages with a memory of
// their own.

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/outside_growth.hpp"
#include "inspector/diagnosis/query_word.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

bool covers(std::string_view path) {
    return path == kOutsideContexts;
}

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    return verb == "SELECT" || verb == "CALL" || verb == "DO" || verb == "WITH" ? std::optional(0)
                                                                                : std::nullopt;
}

// "malloc: in use" and what else of the accounting grew, as sentences.
std::vector<std::string> accounted(const BackendHistory& backend, double least) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kItems{
        std::pair("malloc-used", "memory that malloc gave to others than contexts"),
        std::pair("jit", "code that JIT made"),
        std::pair("library-data", "data of libraries"),
        std::pair("other-mappings", "other mappings")};
    std::vector<std::string> sentences;
    for (const auto& [id, what] : kItems) {
        const double bytes = accounted_growth(backend, id).value_or(0);
        if (bytes >= least) {
            sentences.push_back(fmt::format(
                "Explanations find {} more in {} ({}).", readable_bytes(bytes), what, id));
        }
    }
    return sentences;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    if (!is_worth_a_cause(suspicion)) {
        return std::nullopt;
    }
    std::vector<std::string> own = accounted(suspicion.backend, suspicion.bytes / 20);
    Finding finding{
        .title = "Memory grows that lies in no memory context",
        .confidence = usual_confidence(suspicion, {.explained = !own.empty()}),
        .groups = all_groups(suspicion),
        .remedies = {
            "If the statements are compiled (EXPLAIN ANALYZE then ends in a section JIT): jit = "
            "off, by SET, ALTER ROLE or in postgresql.conf, or a higher jit_above_cost and "
            "jit_inline_above_cost. What LLVM keeps of inlined code is freed again after every 100 "
            "compiled queries from 12.17, 13.13, 14.10, 15.5 and 16.1 on: update older ones.",
            "Else it belongs to a library or an extension: a malloc profiler such as heaptrack "
            "says to which function.",
            "End connections after a number of uses: the memory goes with the backend.",
            kPoolsThatEndConnectionsByAge}};
    own.insert(own.begin(),
               fmt::format("RssAnon grew by {} beyond all memory contexts.",
                           readable_bytes(suspicion.bytes)));
    finding.evidence = usual_evidence(suspicion, finding.groups, std::move(own));
    return finding;
}

}  // namespace

CauseRule outside_contexts_rule() {
    return {.id = "outside-contexts",
            .covers = covers,
            .rank = rank,
            .explain = explain,
            .may_settle = false};
}

}  // namespace palloscope
