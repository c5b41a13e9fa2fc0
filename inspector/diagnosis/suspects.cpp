#include "inspector/diagnosis/suspects.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "inspector/diagnosis/attribution.hpp"

namespace palloscope {

namespace {

// Sorts by rank, then what took or gave most, then what ran most.
auto order_of(const SuspectedStatement& member, std::optional<int> (*rank)(std::string_view)) {
    const double effect =
        member.own ? std::abs(member.own->bytes_per_call.value * member.calls_in_a_round) : 0.0;
    return std::tuple(rank(member.statement->query).value_or(std::numeric_limits<int>::max()),
                      -effect,
                      -member.calls_in_a_round);
}

}  // namespace

Suspects::Suspects(const History& history,
                   const BackendHistory& backend,
                   const SnapshotChoice& choice)
    : backend_(backend),
      choice_(choice),
      stepped_(history.statement_source.starts_with("step:")),
      counts_(count_statements(history.forms, backend.executions, choice.moments_ns)),
      groups_(statement_groups(counts_.columns)) {}

std::vector<SuspectedStatement> Suspects::members(
    const StatementGroup& group,
    const std::vector<StepDelta>& own,
    std::optional<int> (*rank)(std::string_view)) const {
    std::vector<SuspectedStatement> statements;
    for (const std::size_t column : group.members) {
        SuspectedStatement statement{
            .statement = &counts_.columns[column],
            .calls_in_a_round = counts_.columns[column].total() / group.total()};
        if (!own.empty() && own[column].calls > 0) {
            statement.own = own[column];
        }
        statements.push_back(statement);
    }
    std::ranges::stable_sort(statements, [&](const auto& a, const auto& b) {
        return order_of(a, rank) < order_of(b, rank);
    });
    return statements;
}

void Suspects::accuse(std::span<const double> bytes,
                      std::span<const double> every_bytes,
                      std::size_t first,
                      std::optional<int> (*rank)(std::string_view),
                      Suspicion& suspicion) const {
    std::vector<bool> plausible;
    for (const StatementGroup& group : groups_) {
        plausible.push_back(std::ranges::any_of(group.members, [&](std::size_t column) {
            return rank(counts_.columns[column].query).has_value();
        }));
    }
    const Attribution attribution =
        attribute_growth(choice_.seconds, bytes, first, groups_, plausible);
    std::vector<StepDelta> own;
    if (stepped_) {
        own = step_deltas(backend_, counts_, every_bytes, choice_.indices[first]);
    }
    for (const GroupShare& share : attribution.groups) {
        const StatementGroup& group = groups_[share.group];
        suspicion.groups.push_back({.rounds = group.total(),
                                    .rounds_so_far = group.rounds,
                                    .bytes_per_round = share.bytes_per_round,
                                    .statements = members(group, own, rank)});
    }
    suspicion.untied_bytes_per_second = attribution.untied_bytes_per_second;
    suspicion.straightness = attribution.straightness;
    suspicion.stepped = stepped_;
    suspicion.has_statements = !counts_.columns.empty();
}

}  // namespace palloscope
