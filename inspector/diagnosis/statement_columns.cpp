#include "inspector/diagnosis/statement_columns.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "inspector/diagnosis/calls_over_time.hpp"
#include "inspector/diagnosis/estimated_calls.hpp"
#include "inspector/diagnosis/plan_callers.hpp"
#include "inspector/diagnosis/seen_transactions.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kFormsOfAFamily = 8;
constexpr double kFewestCalls = 4;
constexpr std::size_t kMostColumns = 400;

// The shape of a fingerprint for a family, which no source of statements gives one: FNV-1a, 64 bit.
std::string family_fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char character : text) {
        hash ^= static_cast<unsigned char>(character);
        hash *= 0x100000001b3U;
    }
    return fmt::format("{:016x}", hash);
}

// Index of the first moment at or after `time_ns`; 0 for what ended before the recording and the
// number of moments for what ended after it.
std::size_t interval_of(std::int64_t time_ns, std::span<const std::int64_t> moments_ns) {
    return static_cast<std::size_t>(std::ranges::lower_bound(moments_ns, time_ns) -
                                    moments_ns.begin());
}

// The statements with enough calls, most frequent first; `totals` are their calls.
std::vector<std::size_t> frequent(const std::vector<double>& totals) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < totals.size(); ++i) {
        if (totals[i] >= kFewestCalls) {
            kept.push_back(i);
        }
    }
    std::ranges::stable_sort(kept,
                             [&](std::size_t a, std::size_t b) { return totals[a] > totals[b]; });
    kept.resize(std::min(kept.size(), kMostColumns));
    return kept;
}

// The calls of a statement that were seen by chance, and how: up to each moment since the one
// before, their number and, in proportion, how many they stand for (calls_over_time()).
struct SeenCalls {
    std::vector<double> by_chance;
    std::vector<double> stand_for;
    std::vector<Sighting> sightings;
    std::size_t form = 0;  // of one of them
    // Of all that were seen in transaction blocks.
    std::vector<std::size_t> intervals_in_blocks;
};

// Parts of a whole as shares of it; nothing is in parts of nothing.
std::vector<double> shares_of(std::vector<double> parts) {
    const double whole = std::accumulate(parts.begin(), parts.end(), 0.0);
    for (double& part : parts) {
        part /= whole > 0 ? whole : 1;
    }
    return parts;
}

// Of the calls that were missed, the share in each interval, where there are so many with those
// that were seen by chance.
std::vector<double> missed_of_sightings(const SeenCalls& seen, double calls) {
    std::vector<double> missed = shares_of(seen.stand_for);
    std::ranges::transform(
        missed, seen.by_chance, missed.begin(), [&](double share, double by_chance) {
            return std::max(share * calls - by_chance, 0.0);
        });
    return shares_of(std::move(missed));
}

// The same of one that is counted by blocks, of which each stands for so many.
std::vector<double> missed_of_blocks(const SeenCalls& seen,
                                     double calls,
                                     const std::vector<double>& stand_for) {
    if (std::ranges::max(stand_for) <= 1) {
        return missed_of_sightings(seen, calls);  // by the blocks none was
    }
    std::vector<double> missed(seen.by_chance.size());
    for (std::size_t i = 0; i < stand_for.size(); ++i) {
        missed[seen.intervals_in_blocks[i]] += stand_for[i] - 1;
    }
    return shares_of(std::move(missed));
}

// Adds what was seen by chance, and is estimated, to the calls that were seen for certain; then
// makes them calls up to each moment.
void add_estimate(const SeenCalls& seen,
                  const CallsEstimate& estimate,
                  const std::vector<double>& missed_shares,
                  StatementColumn& column) {
    const auto& [calls, error] = estimate;
    if (!seen.sightings.empty()) {
        const double all_missed = calls - static_cast<double>(seen.sightings.size());
        double variance = 0;
        for (std::size_t i = 0; i < column.calls.size(); ++i) {
            const double missed = all_missed * missed_shares[i];
            column.calls[i] += seen.by_chance[i] + missed;
            // Each of n calls is seen with the chance of 1 in so many, and counts for these.
            variance += seen.by_chance[i] > 0
                            ? (seen.by_chance[i] + missed) * missed / seen.by_chance[i]
                            : 0;
        }
        column.noise = variance / static_cast<double>(column.calls.size() - 1);
    }
    std::partial_sum(column.calls.begin(), column.calls.end(), column.calls.begin());
    column.error = seen.sightings.empty() ? 0 : error * calls / column.total();
}

// The statements that can have left what is kept.
std::vector<std::size_t> candidates_for(const KeptCount& kept,
                                        const std::vector<StatementColumn>& statements) {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < statements.size(); ++i) {
        if (can_have_left(statements[i].family, kept)) {
            candidates.push_back(i);
        }
    }
    return candidates;
}

// The one of these that did, where it can be but one: of those that were seen in this backend, else
// of all.
std::optional<std::size_t> only_one(std::vector<std::size_t> candidates,
                                    const KeptCount& kept,
                                    const std::vector<StatementColumn>& statements,
                                    const std::vector<double>& totals) {
    const auto narrow = [&](const auto& holds) {
        if (std::ranges::any_of(candidates, holds)) {
            std::erase_if(candidates, std::not_fn(holds));
        }
    };
    narrow([&](std::size_t i) { return totals[i] > 0; });
    narrow([&](std::size_t i) { return must_have_left(statements[i].family, kept); });
    return candidates.size() == 1 ? std::optional(candidates.front()) : std::nullopt;
}

// What is kept, by the statement that left it …
struct Left {
    std::map<std::size_t, KeptCount> by_statement;
    // … and plans that are the text of no statement that is known to have run: those of functions.
    std::vector<KeptCount> plans_of_functions;
};

Left sort_out(std::span<const KeptCount> kept,
              const std::vector<StatementColumn>& statements,
              const std::vector<double>& totals) {
    Left left;
    for (const KeptCount& count : kept) {
        std::vector<std::size_t> candidates = candidates_for(count, statements);
        if (candidates.empty() && are_plans(count)) {
            left.plans_of_functions.push_back(count);
        }
        if (const std::optional<std::size_t> statement =
                only_one(std::move(candidates), count, statements, totals)) {
            const auto [sum, is_new] = left.by_statement.try_emplace(*statement, count);
            if (!is_new) {
                std::ranges::transform(
                    sum->second.more, count.more, sum->second.more.begin(), std::plus());
                std::ranges::transform(
                    sum->second.bytes, count.bytes, sum->second.bytes.begin(), std::plus());
            }
        }
    }
    return left;
}

// Beyond the moment `known`, what each call leaves stays what it was.
void go_on_with(const std::vector<double>& calls, std::size_t known, KeptCount& kept) {
    for (std::size_t i = known + 1; i < calls.size(); ++i) {
        const double ran = calls[i] / calls[known];
        kept.more[i] = ran * kept.more[known];
        if (!kept.bytes.empty()) {
            kept.bytes[i] = ran * kept.bytes[known];
        }
    }
}

// Takes down what the statement left, and counts its calls by that where they were seen by looks.
// Nothing where it cannot be that each call left something, and nothing else did.
void put_down(KeptCount kept, bool seen_by_looks, StatementColumn& column) {
    constexpr double kCallsForOneKept = 3;
    // The last one's client may have had no answer yet at the last snapshot.
    constexpr double kUnanswered = 1;
    if (!seen_by_looks) {
        const std::size_t known = kept.known_to.value_or(kept.more.size() - 1);
        if (kept.more[known] > column.calls[known] + kUnanswered) {
            return;
        }
        if (column.calls[known] > 0) {
            go_on_with(column.calls, known, kept);
        }
    }
    const double number = kept.more.back();
    const double most = kCallsForOneKept * std::exp(2 * column.error) * number;
    if (number < kFewestCalls || column.total() > most) {
        return;
    }
    if (!kept.bytes.empty()) {
        column.left_in = std::move(kept.path);
        column.left_bytes = std::move(kept.bytes);
    }
    if (seen_by_looks) {
        column.count_exactly(std::move(kept.more));
    }
}

// The interval that each execution ended in, 0 for none that counts; and how many each statement
// has, of how many forms.
struct Executed {
    std::vector<std::size_t> intervals;
    std::vector<double> totals;
    std::vector<std::size_t> forms;
};

Executed executed(const FoldedForms& folded,
                  const std::vector<ExecutionRecord>& executions,
                  std::span<const std::int64_t> moments_ns) {
    Executed found{.totals = std::vector<double>(folded.statements.size()),
                   .forms = std::vector<std::size_t>(folded.statements.size())};
    std::vector<bool> was_run(folded.statement_of_form.size());
    found.intervals.reserve(executions.size());
    for (const ExecutionRecord& execution : executions) {
        const std::size_t interval = interval_of(execution.ended_at_ns, moments_ns);
        const bool counts = execution.form < folded.statement_of_form.size() && interval > 0 &&
                            interval < moments_ns.size();
        found.intervals.push_back(counts ? interval : 0);
        if (counts) {
            const std::size_t statement = folded.statement_of_form[execution.form];
            found.totals[statement] += 1;
            found.forms[statement] += was_run[execution.form] ? std::size_t{0} : 1;
            was_run[execution.form] = true;
        }
    }
    return found;
}

// All executions of a backend by columns, as far as they were seen by chance.
struct SeenExecutions {
    std::vector<SeenCalls> columns;
    std::vector<SeenInTransaction> in_transactions;  // where they were seen by looks
    double all = 0;                                  // of others, too
};

// What was told for certain is counted in `counts`.
SeenExecutions see_executions(const std::vector<ExecutionRecord>& executions,
                              const std::vector<std::size_t>& intervals,
                              bool seen_by_looks,
                              StatementCounts& counts) {
    SeenExecutions seen{.columns = std::vector<SeenCalls>(counts.columns.size())};
    std::vector<StatementSighting> sightings;
    std::vector<std::size_t> intervals_of_sightings;
    for (std::size_t i = 0; i < executions.size(); ++i) {
        if (intervals[i] == 0) {
            continue;
        }
        ++seen.all;
        const std::size_t column = counts.column_of_form[executions[i].form];
        if (column == StatementCounts::kNoColumn) {
            continue;
        }
        if (seen_by_looks) {
            seen.in_transactions.push_back({column, executions[i].transaction_began_at_ns});
            if (executions[i].transaction_began_at_ns) {
                seen.columns[column].intervals_in_blocks.push_back(intervals[i]);
            }
        }
        StatementColumn& counted = counts.columns[column];
        counted.in_vain += executions[i].in_vain ? 1 : 0;
        if (executions[i].sighting) {
            SeenCalls& calls = seen.columns[column];
            calls.by_chance.resize(counted.calls.size());
            calls.stand_for.resize(counted.calls.size());
            calls.by_chance[intervals[i]] += 1;
            calls.sightings.push_back(*executions[i].sighting);
            sightings.push_back({.statement = column, .sighting = *executions[i].sighting});
            intervals_of_sightings.push_back(intervals[i]);
            calls.form = executions[i].form;
        } else {
            counted.calls[intervals[i]] += 1;
        }
    }
    const std::vector<double> calls = calls_over_time(sightings, counts.columns.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        seen.columns[sightings[i].statement].stand_for[intervals_of_sightings[i]] += calls[i];
    }
    return seen;
}

// How often each column was seen up to each moment since the one before.
std::vector<std::vector<double>> seen_by_column(const SeenExecutions& seen,
                                                const std::vector<StatementColumn>& columns) {
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        all.push_back(columns[i].calls);
        const std::vector<double>& by_chance = seen.columns[i].by_chance;
        std::ranges::transform(by_chance, all[i], all[i].begin(), std::plus());
    }
    return all;
}

// Makes what was seen of each column its calls up to each moment.
void add_estimates(const SeenExecutions& seen,
                   const std::optional<SeenByLooks>& looks,
                   std::vector<StatementColumn>& columns) {
    std::vector<std::optional<CallsByTransactions>> by_transactions =
        calls_by_transactions(seen.in_transactions, columns.size());
    std::vector<CallsSeen> ways;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const SeenCalls& calls = seen.columns[i];
        const SightingWeight weight = looks && !looks->weights.empty()
                                          ? looks->weights[calls.form]
                                          : weigh_sightings(calls.sightings);
        const std::vector<double>& certain = columns[i].calls;
        ways.push_back({.certain = std::accumulate(certain.begin(), certain.end(), 0.0),
                        .by_chance = static_cast<double>(calls.sightings.size()),
                        .by_sightings = estimate_calls(calls.sightings.size(), weight),
                        .by_transactions = by_transactions[i]
                                               ? std::optional(by_transactions[i]->calls)
                                               : std::nullopt});
    }
    const std::vector<EstimatedCalls> estimates = estimated_calls(
        ways,
        looks && looks->share ? std::optional(seen.all / *looks->share - seen.all) : std::nullopt);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto& [calls, counted_by_blocks] = estimates[i];
        add_estimate(
            seen.columns[i],
            calls,
            counted_by_blocks
                ? missed_of_blocks(seen.columns[i], calls.calls, by_transactions[i]->stands_for)
                : missed_of_sightings(seen.columns[i], calls.calls),
            columns[i]);
        if (counted_by_blocks) {
            columns[i].blocks = std::move(by_transactions[i]->blocks);
        }
    }
}

}  // namespace

FoldedForms fold_forms(const std::vector<StatementForm>& forms) {
    std::unordered_map<std::string_view, std::size_t> family_size;
    for (const StatementForm& form : forms) {
        ++family_size[form.family];
    }
    FoldedForms folded;
    std::unordered_map<std::string_view, std::size_t> family_column;
    for (const StatementForm& form : forms) {
        const std::size_t size = family_size[form.family];
        std::size_t column = folded.statements.size();
        if (size > kFormsOfAFamily) {
            column = family_column.try_emplace(form.family, column).first->second;
        }
        if (column == folded.statements.size()) {
            const bool family = size > kFormsOfAFamily;
            folded.statements.push_back(
                {.query = family ? form.family : form.text,
                 .family = form.family,
                 .fingerprint = family ? family_fingerprint(form.family) : form.fingerprint,
                 .forms = family ? size : 1});
        }
        folded.statement_of_form.push_back(column);
    }
    return folded;
}

StatementCounts count_statements(const std::vector<StatementForm>& forms,
                                 const std::vector<ExecutionRecord>& executions,
                                 std::span<const std::int64_t> moments_ns,
                                 const std::optional<SeenByLooks>& looks,
                                 std::span<const KeptCount> kept) {
    FoldedForms folded = fold_forms(forms);
    // Two passes, so that only the frequent statements cost a number for every snapshot.
    const Executed found = executed(folded, executions, moments_ns);
    std::vector<double> totals = found.totals;
    Left left = sort_out(kept, folded.statements, totals);
    for (const auto& [statement, count] : left.by_statement) {
        totals[statement] =
            looks ? std::max(totals[statement], count.more.back()) : totals[statement];
    }
    std::vector<std::size_t> place(folded.statements.size(), StatementCounts::kNoColumn);
    StatementCounts counts;
    for (const std::size_t statement : frequent(totals)) {
        place[statement] = counts.columns.size();
        counts.columns.push_back(std::move(folded.statements[statement]));
        counts.columns.back().calls.assign(moments_ns.size(), 0.0);
        counts.columns.back().forms_run = found.forms[statement];
        counts.columns.back().seen = found.totals[statement];
    }
    for (const std::size_t statement : folded.statement_of_form) {
        counts.column_of_form.push_back(place[statement]);
    }
    const SeenExecutions seen =
        see_executions(executions, found.intervals, looks.has_value(), counts);
    const bool by_plans = looks && !left.plans_of_functions.empty();
    const std::vector<std::vector<double>> seen_calls =
        by_plans ? seen_by_column(seen, counts.columns) : std::vector<std::vector<double>>{};
    add_estimates(seen, looks, counts.columns);
    for (auto& [statement, count] : left.by_statement) {
        if (place[statement] != StatementCounts::kNoColumn) {
            put_down(std::move(count), looks.has_value(), counts.columns[place[statement]]);
        }
    }
    if (by_plans) {
        count_callers(left.plans_of_functions, seen_calls, counts.columns);
    }
    return counts;
}

}  // namespace palloscope
