// unknown: the backend grows, and no other rule explains it. Says what is known all the same.

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

std::string where_it_grows(const Suspicion& suspicion) {
    const ContextGrowth& largest = suspicion.contexts.front();
    return fmt::format("{} grows most: {}{}.",
                       largest.path,
                       readable_bytes(static_cast<double>(largest.bytes)),
                       largest.contexts > 0 ? fmt::format(", in {} of that name",
                                                          counted(largest.contexts, "more context"))
                                            : "");
}

// What each statement takes and gives is left out: that is of all its bytes, and other causes may
// have explained the most of them.
std::string stays_after(const SuspectedGroup& group, double seconds) {
    const std::size_t others = group.statements.size() - 1;
    return fmt::format("{}{}: {}",
                       group.statements.front().statement->query,
                       others > 0
                           ? fmt::format(" and {} that {} along with it",
                                         counted(static_cast<std::int64_t>(others), "statement"),
                                         others == 1 ? "goes" : "go")
                           : "",
                       stays_after_a_round(group, seconds));
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    Finding finding{.title = "It grows, and no rule explains why", .confidence = 0.3};
    for (std::size_t i = 0; i < suspicion.groups.size(); ++i) {
        finding.groups.push_back(i);
        finding.evidence.push_back(stays_after(suspicion.groups[i], suspicion.seconds));
    }
    if (!suspicion.contexts.empty()) {
        finding.evidence.push_back(where_it_grows(suspicion));
    }
    if (auto sentence = what_the_bytes_are(suspicion.backend)) {
        finding.evidence.push_back(*std::move(sentence));
    }
    if (suspicion.backend.explanations.size() < 2) {
        finding.remedies.emplace_back(
            "Record again with --explain-every, to see what the bytes are.");
    }
    if (suspicion.untied_bytes_per_second) {
        finding.evidence.push_back(
            fmt::format("{} a second come with no recorded statement.",
                        readable_bytes(suspicion.untied_bytes_per_second->value)));
    }
    if (!suspicion.has_statements) {
        finding.evidence.emplace_back("The recording has no statements of this backend.");
        finding.remedies.emplace_back(
            "Record again with --statements activity (the default), journal:FILE or log:FILE, so "
            "that the growth can be put down to statements.");
    } else if (suspicion.groups.empty()) {
        finding.evidence.emplace_back("No recorded statement goes with the growth.");
    }
    finding.evidence.push_back(beside_rss_anon(suspicion));
    finding.remedies.emplace_back(
        "Until the cause is known, end connections after a number of uses: the memory goes with "
        "the backend.");
    finding.remedies.emplace_back(kPoolsThatEndConnectionsByAge);
    return finding;
}

}  // namespace

CauseRule unknown_cause_rule() {
    return {.id = "unknown", .covers = may_leak, .explain = explain};
}

}  // namespace palloscope
