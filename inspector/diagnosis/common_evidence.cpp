#include "inspector/diagnosis/common_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Enough to see who takes and who gives; the table of statements has them all.
constexpr std::size_t kMostSteps = 6;

// Whether it is of what lies in no context.
bool is_of_process(const Suspicion& suspicion) {
    return !suspicion.contexts.empty() && !is_context(suspicion.contexts.front().path);
}

bool ends_transaction(const SuspectedStatement& member) {
    const std::string& query = member.statement->query;
    return (query == "COMMIT" || query == "END" || query == "BEGIN") &&
           std::abs(member.calls_in_a_round - 1) < 0.1;
}

}  // namespace

std::string round_noun(const SuspectedGroup& group) {
    if (group.statements.size() == 1) {
        return "call";
    }
    return std::ranges::any_of(group.statements, ends_transaction) ? "transaction" : "round";
}

std::string stays_after_a_round(const SuspectedGroup& group, double seconds) {
    const std::string noun = round_noun(group);
    const bool estimated = std::ranges::any_of(
        group.statements, &StatementColumn::estimated, &SuspectedStatement::statement);
    return fmt::format(
        "{} stay after each {} (95 % interval: {} to {}), with {}{} {}s in {}, one every {}{}.",
        readable_bytes(group.bytes_per_round.value),
        noun,
        readable_bytes(group.bytes_per_round.low),
        readable_bytes(group.bytes_per_round.high),
        estimated ? "about " : "",
        readable_count(group.rounds),
        noun,
        readable_seconds(seconds),
        readable_seconds(seconds / group.rounds),
        estimated ? "; their number is an estimate, from looks that miss the shortest" : "");
}

std::string straight_line(const Suspicion& suspicion) {
    return fmt::format(
        "{} against executions are {} line (R-squared {:.3f}).",
        is_of_process(suspicion) ? "Pages" : "Used bytes",
        suspicion.straightness >= 0.99  ? "a straight"
        : suspicion.straightness >= 0.9 ? "roughly a straight"
                                        : "no straight",
        // Never "1.000" for what is not exactly straight.
        suspicion.straightness >= 1 ? 1.0 : std::floor(suspicion.straightness * 1000) / 1000);
}

std::string beside_rss_anon(const Suspicion& suspicion) {
    return fmt::format(
        "RssAnon, the process's own memory, changed by {}{} grew by {}.",
        readable_bytes(suspicion.rss_anon_bytes),
        is_of_process(suspicion) ? "; what is in no context" : " while these contexts",
        readable_bytes(suspicion.bytes));
}

std::vector<std::string> takes_and_gives(const SuspectedGroup& group) {
    std::vector<const SuspectedStatement*> steps;
    for (const SuspectedStatement& member : group.statements) {
        if (member.own && std::abs(member.own->bytes_per_call.value) >= 1) {
            steps.push_back(&member);
        }
    }
    const auto effect = [](const SuspectedStatement* member) {
        return std::abs(member->own->bytes_per_call.value * member->calls_in_a_round);
    };
    std::ranges::stable_sort(steps,
                             [&](const auto* a, const auto* b) { return effect(a) > effect(b); });
    std::vector<std::string> sentences;
    for (std::size_t i = 0; i < std::min(steps.size(), kMostSteps); ++i) {
        const double bytes = steps[i]->own->bytes_per_call.value;
        sentences.push_back(
            fmt::format("{} {} {} a call{}.",
                        steps[i]->statement->query,
                        bytes > 0 ? "takes" : "gives back",
                        readable_bytes(std::abs(bytes)),
                        group.statements.size() == 1
                            ? ""
                            : fmt::format(" ({} a {})",
                                          readable_count(std::round(steps[i]->calls_in_a_round)),
                                          round_noun(group))));
    }
    return sentences;
}

std::string what_is_of_gone_objects(const CatalogGrowth& growth) {
    std::vector<std::string> kept;
    if (growth.missing_of_objects > 0) {
        kept.push_back(
            fmt::format("{} more entries say that something is missing of an object, by the "
                        "object's number",
                        readable_count(growth.missing_of_objects)));
    }
    if (growth.compiled_again > 0) {
        kept.push_back(fmt::format("functions were compiled {} times more, for other tables",
                                   readable_count(growth.compiled_again)));
    }
    return fmt::format(
        "{}, while {} more relations are known: the objects were new ones, and are gone.",
        fmt::join(kept, ", and "),
        readable_count(growth.relations));
}

std::vector<std::string> usual_evidence(const Suspicion& suspicion,
                                        const std::vector<std::size_t>& groups,
                                        std::vector<std::string> own) {
    std::vector<std::string> sentences;
    const auto add = [&](std::vector<std::string> more) {
        std::ranges::move(more, std::back_inserter(sentences));
    };
    if (!groups.empty()) {
        const SuspectedGroup& main = suspicion.groups[groups.front()];
        sentences.push_back(stays_after_a_round(main, suspicion.seconds));
        add(takes_and_gives(main));
    }
    add(std::move(own));
    if (auto sentence = what_the_bytes_are(suspicion.backend)) {
        sentences.push_back(*std::move(sentence));
    }
    if (!groups.empty()) {
        sentences.push_back(straight_line(suspicion));
    }
    sentences.push_back(beside_rss_anon(suspicion));
    return sentences;
}

double usual_confidence(const Suspicion& suspicion, const Signs& signs) {
    double sum = 0.5;
    sum += signs.explained ? 0.25 : 0.0;
    sum += suspicion.straightness >= 0.9 ? 0.1 : 0.0;
    sum += signs.telling_statements ? 0.08 : 0.0;
    sum += suspicion.share_of_growth >= 0.5 ? 0.05 : 0.0;
    return sum;
}

std::vector<std::size_t> all_groups(const Suspicion& suspicion) {
    std::vector<std::size_t> groups(suspicion.groups.size());
    std::iota(groups.begin(), groups.end(), std::size_t{0});
    return groups;
}

std::vector<std::size_t> ranked_groups(const Suspicion& suspicion,
                                       std::optional<int> (*rank)(std::string_view)) {
    std::vector<std::size_t> groups = all_groups(suspicion);
    std::erase_if(groups, [&](std::size_t index) {
        return !rank(suspicion.groups[index].statements.front().statement->query);
    });
    return groups;
}

double bytes_of(const Suspicion& suspicion, const std::vector<std::size_t>& groups) {
    double bytes = 0;
    for (const std::size_t index : groups) {
        bytes += suspicion.groups[index].bytes();
    }
    return bytes;
}

}  // namespace palloscope
