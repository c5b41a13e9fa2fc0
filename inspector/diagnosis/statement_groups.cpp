#include "inspector/diagnosis/statement_groups.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <tuple>

#include "inspector/diagnosis/sightings.hpp"

namespace palloscope {

namespace {

constexpr double kFewestToCompare = 8;
constexpr double kRareRatio = 3;
constexpr double kSameIntervals = 0.6;
// Numbers of calls that are estimates are alike where they differ by less than this share.
constexpr double kAlikeEstimates = 0.35;

// A snapshot amid a round, as a variance of rounds.
constexpr double kCutRound = 0.25;

double intervals(const StatementColumn& column) {
    return static_cast<double>(column.calls.size() - 1);
}

// Variance of the share of its calls that fall between two snapshots, as far as it comes of chance.
double noise_of_share(const StatementColumn& column) {
    return column.noise / (column.total() * column.total());
}

// How little the calls tell of their moments: 0 where nearly all were seen, 1, or 2 where more than
// a third were missed.
int noisiness(const StatementColumn& column) {
    const double missed_for_one_seen = column.noise * intervals(column) / column.total();
    return missed_for_one_seen < 0.1 ? 0 : missed_for_one_seen < 0.5 ? 1 : 2;
}

bool drift_apart(const StatementColumn& a, const StatementColumn& b) {
    const double rounds = std::min(a.total(), b.total());
    const double tolerance = 1.5 + 0.25 * std::sqrt(rounds);
    for (std::size_t i = 0; i < a.calls.size(); ++i) {
        const double apart = rounds * (a.calls[i] / a.total() - b.calls[i] / b.total());
        if (std::abs(apart) > tolerance) {
            return true;
        }
    }
    return false;
}

// Whether two columns seem to have run equally often.
bool alike(const StatementColumn& a, const StatementColumn& b) {
    const double tolerance = a.estimated() || b.estimated() ? kAlikeEstimates : 0.0;
    return std::abs(a.total() - b.total()) <= tolerance * std::max(a.total(), b.total());
}

// Whether chance alone explains how they differ in the intervals, where it is not so large that it
// would explain any difference.
bool differ_by_chance(const StatementColumn& a, const StatementColumn& b) {
    const double rounds = std::min(a.total(), b.total());
    const double chance = rounds * rounds * (noise_of_share(a) + noise_of_share(b));
    // What two independent ones of that pace would differ by.
    const double independent = 2 * rounds / intervals(a);
    double differences = 0;
    for (std::size_t i = 1; i < a.calls.size(); ++i) {
        const double apart = rounds * ((a.calls[i] - a.calls[i - 1]) / a.total() -
                                       (b.calls[i] - b.calls[i - 1]) / b.total());
        differences += apart * apart;
    }
    // Two standard deviations of a mean of squares.
    const double tolerance = 1 + 2 * std::sqrt(2 / intervals(a));
    return chance <= independent &&
           differences / intervals(a) <= tolerance * (chance + 2 * kCutRound);
}

// Correlation of the calls in each interval; two of constant pace go together.
double correlation(const StatementColumn& a, const StatementColumn& b) {
    const auto size = static_cast<double>(a.calls.size() - 1);
    const double mean_a = a.total() / size;
    const double mean_b = b.total() / size;
    double aa = 0;
    double bb = 0;
    double ab = 0;
    for (std::size_t i = 1; i < a.calls.size(); ++i) {
        const double left = a.calls[i] - a.calls[i - 1] - mean_a;
        const double right = b.calls[i] - b.calls[i - 1] - mean_b;
        aa += left * left;
        bb += right * right;
        ab += left * right;
    }
    if (aa == 0 || bb == 0) {
        return aa == bb ? 1.0 : 0.0;
    }
    return ab / std::sqrt(aa * bb);
}

// Whether both run once in each transaction block of one kind: as many blocks show both as chance
// makes it where each is seen in a part of all.
bool run_in_the_same_blocks(const StatementColumn& a, const StatementColumn& b) {
    constexpr double kFewestToTell = 3;
    constexpr double kOfExpected = 0.5;
    const double expected = static_cast<double>(a.blocks.size()) *
                            static_cast<double>(b.blocks.size()) / std::max(a.total(), b.total());
    if (expected < kFewestToTell) {
        return false;
    }
    std::vector<std::size_t> both;
    std::ranges::set_intersection(a.blocks, b.blocks, std::back_inserter(both));
    return static_cast<double>(both.size()) >= kOfExpected * expected;
}

bool never_vary_apart(const StatementColumn& a, const StatementColumn& b) {
    if (!a.left_in.empty() || !b.left_in.empty()) {
        return false;
    }
    if (run_in_the_same_blocks(a, b)) {
        return alike(a, b);
    }
    const double rounds = std::min(a.total(), b.total());
    if (rounds < kFewestToCompare && a.total() != b.total()) {
        return false;
    }
    const bool rare = rounds < static_cast<double>(a.calls.size());
    const bool by_chance = a.noise + b.noise > 0;
    const bool together =
        (by_chance && !rare ? alike(a, b) : !drift_apart(a, b)) && (rare || differ_by_chance(a, b));
    if (!together) {
        return false;
    }
    const double ratio = std::max(a.total(), b.total()) / rounds;
    return !rare || (ratio <= kRareRatio && !by_chance) || correlation(a, b) >= kSameIntervals;
}

// Columns in the order in which they are tried as the typical member: those first that are counted
// by the most transaction blocks; then those that were not seen by chance, or least so; then those
// whose number of calls many others have too, which is what the once-a-round statements of a load
// look like; then the rarer first.
std::vector<std::size_t> typical_first(std::span<const StatementColumn> columns) {
    std::vector<std::size_t> company;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        order.push_back(i);
        company.push_back(static_cast<std::size_t>(std::ranges::count_if(
            columns, [&](const StatementColumn& other) { return alike(columns[i], other); })));
    }
    std::ranges::stable_sort(order, {}, [&](std::size_t column) {
        return std::tuple(-std::ssize(columns[column].blocks),
                          noisiness(columns[column]),
                          -static_cast<std::ptrdiff_t>(company[column]),
                          columns[column].total());
    });
    return order;
}

// How often the group ran: as often as its typical member, or, where that is an estimate, as those
// of its members on average that seem to have run as often, the surer the more.
CallsEstimate rounds_of(std::span<const StatementColumn> columns,
                        const std::vector<std::size_t>& members) {
    constexpr double kSure = 0.01;
    const StatementColumn& typical = columns[members.front()];
    CallsEstimate sum;
    double all = 0;
    for (const std::size_t member : members) {
        const StatementColumn& column = columns[member];
        if (alike(column, typical)) {
            const double worth = 1 / (kSure * kSure + column.error * column.error);
            sum.calls += worth * column.total();
            sum.error += worth * column.error;
            all += worth;
        }
    }
    // What they err by they err by together, all seen by the same looks.
    return {.calls = sum.calls / all, .error = sum.error / all};
}

// Snapshots amid a round see some members done and some not: their mean is how far the round is,
// and those count less that were seen by chance.
void add_rounds(std::span<const StatementColumn> columns, double rounds, StatementGroup& group) {
    group.rounds.resize(columns.front().calls.size());
    const auto worth = [&](std::size_t member) {
        return 1 / (kCutRound + rounds * rounds * noise_of_share(columns[member]));
    };
    double all = 0;
    for (const std::size_t member : group.members) {
        all += worth(member);
    }
    for (const std::size_t member : group.members) {
        const StatementColumn& column = columns[member];
        const double weight = rounds / column.total() * worth(member) / all;
        for (std::size_t i = 0; i < group.rounds.size(); ++i) {
            group.rounds[i] += weight * column.calls[i];
        }
        group.noise += weight * weight * column.noise;
    }
}

}  // namespace

std::vector<StatementGroup> statement_groups(std::span<const StatementColumn> columns) {
    const std::vector<std::size_t> order = typical_first(columns);
    std::vector<bool> taken(columns.size());
    std::vector<StatementGroup> groups;
    for (const std::size_t typical : order) {
        if (taken[typical]) {
            continue;
        }
        StatementGroup group{.members = {typical}};
        taken[typical] = true;
        for (const std::size_t other : order) {
            if (!taken[other] && never_vary_apart(columns[typical], columns[other])) {
                group.members.push_back(other);
                taken[other] = true;
            }
        }
        const CallsEstimate rounds = rounds_of(columns, group.members);
        add_rounds(columns, rounds.calls, group);
        group.error = rounds.error;
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace palloscope
