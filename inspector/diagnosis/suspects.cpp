#include "inspector/diagnosis/suspects.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "inspector/diagnosis/kept_counts.hpp"
#include "inspector/diagnosis/stepped_rounds.hpp"
#include "inspector/diagnosis/transaction_company.hpp"

namespace palloscope {

namespace {

// A column that runs in the transactions of ranked ones in so many of its calls belongs to them.
constexpr double kInCompany = 0.9;
// A recording tells what its own calls left, at best to the byte. Those of another recording of the
// same load leave as much on average but for this share, as standard error: their texts differ, and
// hash tables and blocks come in lumps. Measured with the scenarios of workload/.
constexpr double kBetweenRecordings = 0.005;
// Less than this share of a growth is nothing.
constexpr double kTrifle = 0.01;

// Whether the statement is known to be a cause by what it left.
bool is_known_cause(const CauseRule& rule, const StatementColumn& statement) {
    return rule.by_what_is_kept && !statement.left_in.empty() && rule.covers(statement.left_in);
}

// Sorts by rank, then what took or gave most, then what ran most.
auto order_of(const SuspectedStatement& member, std::optional<int> (*rank)(std::string_view)) {
    const double effect =
        member.own ? std::abs(member.own->bytes_per_call.value * member.calls_in_a_round) : 0.0;
    return std::tuple(rank(member.statement->query).value_or(std::numeric_limits<int>::max()),
                      -effect,
                      -member.calls_in_a_round);
}

bool any_of(const StatementGroup& group, const std::vector<bool>& columns) {
    return std::ranges::any_of(group.members, [&](std::size_t column) { return columns[column]; });
}

// The group with the most ranked members: the round that the others are part of. There is one.
std::size_t most_ranked(const std::vector<StatementGroup>& groups,
                        const std::vector<bool>& ranked) {
    const auto most = std::ranges::max_element(groups, {}, [&](const StatementGroup& group) {
        return std::ranges::count_if(group.members,
                                     [&](std::size_t column) { return ranked[column]; });
    });
    return static_cast<std::size_t>(most - groups.begin());
}

// Makes `part` a part of each round of `whole`.
void join(SuspectedGroup& whole, const SuspectedGroup& part) {
    const double per_round = part.rounds / whole.rounds;
    whole.bytes_per_round.value += per_round * part.bytes_per_round.value;
    whole.bytes_per_round.low += per_round * part.bytes_per_round.low;
    whole.bytes_per_round.high += per_round * part.bytes_per_round.high;
    for (std::size_t i = 0; i < whole.bytes_so_far.size(); ++i) {
        whole.bytes_so_far[i] += part.bytes_so_far[i];
    }
    for (SuspectedStatement statement : part.statements) {
        statement.calls_in_a_round *= per_round;
        whole.statements.push_back(statement);
    }
}

}  // namespace

Suspects::Suspects(const History& history,
                   const BackendHistory& backend,
                   std::span<const SightingWeight> weights,
                   const SnapshotChoice& choice)
    : history_(history),
      backend_(backend),
      choice_(choice),
      stepped_(history.statement_source.starts_with("step:")),
      counts_(count_statements(
          history.forms,
          backend.executions,
          choice.moments_ns,
          history.statement_source == "activity"
              ? std::optional(SeenByLooks{.share = backend.seen_share, .weights = weights})
              : std::nullopt,
          // Stepping measures each statement by itself.
          stepped_ ? std::vector<KeptCount>{} : kept_counts(backend, choice))),
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

SuspectedGroup Suspects::suspected(const StatementGroup& group,
                                   const Estimate& bytes_per_round,
                                   const std::vector<StepDelta>& own,
                                   std::optional<int> (*rank)(std::string_view)) const {
    SuspectedGroup suspected{.rounds = group.total(),
                             .bytes_per_round = bytes_per_round,
                             .bytes_so_far = group.rounds,
                             .statements = members(group, own, rank)};
    for (double& bytes : suspected.bytes_so_far) {
        bytes *= bytes_per_round.value;
    }
    return suspected;
}

std::optional<SuspectedGroup> Suspects::best_counted(std::span<const double> bytes,
                                                     std::size_t first,
                                                     const std::vector<StepDelta>& own,
                                                     std::optional<int> (*rank)(std::string_view),
                                                     const Trend& trend) const {
    // Numbers are known equally well where their errors differ by less.
    constexpr double kAlike = 1.25;
    const auto ran = [&](std::size_t column) {
        return counts_.columns[column].total() - counts_.columns[column].calls[first];
    };
    const auto error = [&](std::size_t column) { return counts_.columns[column].error; };
    std::vector<std::size_t> candidates;
    double least_error = std::numeric_limits<double>::max();
    for (std::size_t i = 0; i < counts_.columns.size(); ++i) {
        if (rank(counts_.columns[i].query) && ran(i) > 0) {
            candidates.push_back(i);
            least_error = std::min(least_error, error(i));
        }
    }
    std::erase_if(candidates, [&](std::size_t i) { return error(i) > kAlike * least_error; });
    const auto best = std::ranges::min_element(candidates, {}, [&](std::size_t i) {
        return std::tuple(rank(counts_.columns[i].query), error(i));
    });
    const double rate = trend.bytes_per_second.value;
    if (best == candidates.end() || rate <= 0) {
        return std::nullopt;
    }
    const StatementColumn& column = counts_.columns[*best];
    StatementGroup counted{.members = {*best}, .rounds = column.calls, .error = column.error};
    if (!column.blocks.empty()) {
        counted = *std::ranges::find_if(groups_, [&](const StatementGroup& group) {
            return std::ranges::find(group.members, *best) != group.members.end();
        });
    }
    const double each = (bytes.back() - bytes[first]) / (counted.total() - counted.rounds[first]);
    const Estimate of_growth{.value = each,
                             .low = each * trend.bytes_per_second.low / rate,
                             .high = each * trend.bytes_per_second.high / rate};
    return suspected(counted, with_further_error(of_growth, counted.error), own, rank);
}

std::vector<KnownShare> Suspects::known_shares(const CauseRule& rule) const {
    std::vector<KnownShare> known;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
        for (const std::size_t column : groups_[group].members) {
            const StatementColumn& statement = counts_.columns[column];
            if (is_known_cause(rule, statement)) {
                known.push_back({.group = group, .bytes = statement.left_bytes});
            }
        }
    }
    return known;
}

std::vector<bool> Suspects::plausible_groups(const CauseRule& rule,
                                             const std::vector<bool>& ranked) const {
    std::vector<bool> columns = ranked;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i] = columns[i] || is_known_cause(rule, counts_.columns[i]);
    }
    std::vector<bool> plausible;
    for (const StatementGroup& group : groups_) {
        plausible.push_back(any_of(group, columns));
    }
    return plausible;
}

std::vector<bool> Suspects::groups_that_took(double bytes,
                                             const std::vector<StepDelta>& own) const {
    std::vector<bool> took;
    for (const StatementGroup& group : groups_) {
        double sum = 0;
        for (const std::size_t column : group.members) {
            sum += own[column].bytes_per_call.value * static_cast<double>(own[column].calls);
        }
        took.push_back(sum > bytes);
    }
    return took;
}

std::vector<bool> Suspects::companions(const std::vector<bool>& ranked) const {
    std::vector<bool> companions;
    for (const double share :
         transaction_company(history_.forms, backend_.executions, counts_, ranked)) {
        companions.push_back(share >= kInCompany);
    }
    return companions;
}

Attribution Suspects::attribute_pages(std::span<const double> bytes,
                                      std::size_t first,
                                      const std::vector<bool>& plausible) const {
    constexpr std::size_t kMostIntervals = 200;
    const std::size_t last = bytes.size() - 1;
    if (last - first <= kMostIntervals) {
        return attribute_growth(choice_.seconds, bytes, first, groups_, plausible);
    }
    const auto thinned = [&](std::span<const double> values) {
        std::vector<double> kept;
        for (std::size_t i = 0; i <= kMostIntervals; ++i) {
            kept.push_back(values[first + (last - first) * i / kMostIntervals]);
        }
        return kept;
    };
    std::vector<StatementGroup> groups = groups_;
    for (StatementGroup& group : groups) {
        group.rounds = thinned(group.rounds);
        group.noise *= static_cast<double>(last - first) / kMostIntervals;
    }
    return attribute_growth(
        thinned(choice_.seconds), thinned(bytes), /*first=*/0, groups, plausible);
}

void Suspects::accuse(std::span<const double> bytes,
                      std::span<const double> every_bytes,
                      std::size_t first,
                      const CauseRule& rule,
                      Suspicion& suspicion) const {
    const auto rank = rule.rank;
    std::vector<bool> ranked;
    suspicion.ranked.clear();
    for (const StatementColumn& column : counts_.columns) {
        ranked.push_back(rank(column.query).has_value());
        if (ranked.back()) {
            suspicion.ranked.push_back(&column);
        }
    }
    const bool of_pages = of_process(rule);
    std::vector<StepDelta> own;
    if (stepped_) {
        own = step_deltas(backend_, counts_, every_bytes, choice_.indices[first]);
    }
    const double growth = bytes.back() - bytes[first];
    const std::vector<bool> plausible =
        stepped_ && of_pages ? groups_that_took(growth / 2, own) : plausible_groups(rule, ranked);
    // The page that a statement touches need not be its own; and of bytes that other causes explain
    // in part, what a statement took says nothing of the rest.
    const double every_growth =
        every_bytes[choice_.indices.back()] - every_bytes[choice_.indices[first]];
    if (of_pages || std::abs(every_growth - growth) > kTrifle * std::abs(every_growth)) {
        own.clear();
    }
    // A backend that steps does nothing but its statements.
    const bool only_statements = stepped_ && !groups_.empty();
    const Attribution attribution =
        of_pages ? attribute_pages(bytes, first, plausible)
                 : attribute_growth(only_statements ? std::span<const double>() : choice_.seconds,
                                    bytes,
                                    first,
                                    groups_,
                                    plausible,
                                    known_shares(rule));
    const std::vector<bool> in_company = companions(ranked);
    std::optional<std::size_t> main;
    std::vector<SuspectedGroup> parts;
    for (const GroupShare& share : attribution.groups) {
        SuspectedGroup group = suspected(groups_[share.group], share.bytes_per_round, own, rank);
        if (!plausible[share.group] && any_of(groups_[share.group], in_company)) {
            parts.push_back(std::move(group));
            continue;
        }
        if (!main && plausible[share.group]) {
            main = suspicion.groups.size();
        }
        suspicion.groups.push_back(std::move(group));
    }
    if (!parts.empty() && !main) {
        main = suspicion.groups.size();
        suspicion.groups.push_back(suspected(groups_[most_ranked(groups_, ranked)], {}, own, rank));
    }
    for (const SuspectedGroup& part : parts) {
        join(suspicion.groups[*main], part);
    }
    leave_what_members_took(growth, suspicion.groups);
    for (SuspectedGroup& group : suspicion.groups) {
        group.bytes_per_round = with_further_error(group.bytes_per_round, kBetweenRecordings);
    }
    std::ranges::stable_sort(suspicion.groups, std::ranges::greater(), &SuspectedGroup::bytes);
    suspicion.best_counted = best_counted(bytes, first, own, rank, suspicion.trend);
    suspicion.untied_bytes_per_second = attribution.untied_bytes_per_second;
    suspicion.straightness = attribution.straightness;
    suspicion.stepped = stepped_;
    suspicion.has_statements = !counts_.columns.empty();
}

}  // namespace palloscope
