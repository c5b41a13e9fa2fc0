#include "inspector/diagnosis/attribution.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "inspector/diagnosis/dot_product.hpp"
#include "inspector/diagnosis/local_level.hpp"
#include "inspector/diagnosis/median.hpp"
#include "inspector/diagnosis/regression.hpp"
#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kMostGroups = 12;
// Candidates that are fitted in full at each step: those with the best first guess.
constexpr std::size_t kShortList = 8;
// Errors below this many bytes an interval are no errors: PostgreSQL's chunks are multiples of it.
constexpr double kSmallestError = 8;
// How much better, in twice the logarithm of the likelihood, a candidate must be than a plausible
// one. 10 is what chance alone exceeds once in six hundred times: a statement that cannot grow
// these contexts must be far better.
constexpr double kImplausible = 10;
constexpr double kTime = 14;
// Times the error of its number of rounds, as a share: of those that fit alike, the one whose
// number is known best.
constexpr double kUncertain = 10;
// A jump is so many times as large as what else varies, and comes in a tenth of the intervals at
// most, of which there are some; jumps are a part of the growth. Else they are no exceptions.
constexpr double kJump = 8;
constexpr std::size_t kFewestForJumps = 30;
constexpr std::size_t kIntervalsAJump = 10;
constexpr double kLargestJumps = 0.25;
// Jumps in the first one of so many parts are of its beginning.
constexpr std::size_t kBeginning = 16;
constexpr std::size_t kFewestLumps = 16;
// Beside what is known, a share below this one of the growth is not worth a statement of its own.
constexpr double kTrifle = 0.05;

// Growth or rounds per interval.
struct Candidate {
    std::vector<double> increments;
    double handicap = 0;
    // The part of the variance of an increment that comes of how it was counted.
    double noise = 0;
};

// Indices of candidates, and how much each explains, per unit of its increments.
using Shares = std::vector<std::pair<std::size_t, Estimate>>;

// What `shares` leave of the growth, in each interval.
std::vector<double> unexplained(std::vector<double> growth,
                                const std::vector<Candidate>& candidates,
                                const Shares& shares) {
    for (const auto& [candidate, estimate] : shares) {
        for (std::size_t i = 0; i < growth.size(); ++i) {
            growth[i] -= estimate.value * candidates[candidate].increments[i];
        }
    }
    return growth;
}

// A candidate more.
struct Step {
    std::size_t candidate = 0;
    std::vector<std::size_t> set;
    double squares = 0;  // that it leaves
};

// The search for the fewest candidates that explain the growth.
class Search {
  public:
    Search(std::vector<double> growth, std::vector<Candidate> candidates)
        : growth_(std::move(growth)), candidates_(std::move(candidates)) {}

    [[nodiscard]] Shares run();

  private:
    enum class Noise { kKept, kLeftOut };

    [[nodiscard]] Regression regression_on(const std::vector<std::size_t>& set,
                                           Noise noise = Noise::kKept) const;
    // Of what varies in a whitened column beyond its mean pace, whitened too, as large a part is
    // noise as in its increments.
    [[nodiscard]] double noise_of(std::size_t candidate, const std::vector<double>& pace) const;
    [[nodiscard]] double with_smallest_error(double squares) const;
    [[nodiscard]] double squares_but_noise(const std::vector<std::size_t>& set) const;
    [[nodiscard]] std::vector<std::size_t> short_list(const std::vector<std::size_t>& set) const;
    [[nodiscard]] std::vector<std::size_t> select() const;
    // Squares that `set` leaves, and `set` without what turned out to explain nothing.
    double fit_and_drop_idle(std::vector<std::size_t>& set) const;
    void whiten_with(double theta);
    // What one more candidate must gain, in twice the logarithm of the likelihood.
    [[nodiscard]] double price() const;
    // Alternates between selecting and estimating θ, from `theta` on. Tells how unlikely the result
    // is, less is better.
    double settle(double theta);
    [[nodiscard]] std::vector<double> unexplained_growth(const std::vector<std::size_t>& set) const;
    [[nodiscard]] Shares prune(std::vector<std::size_t> set) const;

    std::vector<double> growth_;
    std::vector<Candidate> candidates_;
    double theta_ = 0;
    std::vector<double> white_growth_;
    std::vector<std::vector<double>> white_candidates_;
    std::vector<double> white_noise_;
};

double variance(const std::vector<double>& values) {
    double sum = 0;
    double squares = 0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
    }
    const auto size = static_cast<double>(values.size());
    return squares / size - (sum / size) * (sum / size);
}

void Search::whiten_with(double theta) {
    theta_ = theta;
    white_growth_ = whitened(growth_, theta);
    white_candidates_.clear();
    for (const Candidate& candidate : candidates_) {
        white_candidates_.push_back(whitened(candidate.increments, theta));
    }
    const std::vector<double> pace = whitened(std::vector<double>(growth_.size(), 1.0), theta);
    white_noise_.clear();
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        white_noise_.push_back(noise_of(i, pace));
    }
}

double Search::noise_of(std::size_t candidate, const std::vector<double>& pace) const {
    constexpr double kLargestPart = 0.8;
    const double all = variance(candidates_[candidate].increments);
    if (candidates_[candidate].noise == 0 || all == 0) {
        return 0;
    }
    const std::vector<double>& column = white_candidates_[candidate];
    const double along = dot_product(column, pace);
    return std::min(candidates_[candidate].noise / all, kLargestPart) *
           (dot_product(column, column) - along * along / dot_product(pace, pace));
}

Regression Search::regression_on(const std::vector<std::size_t>& set, Noise noise) const {
    Regression regression{.response = white_growth_};
    for (const std::size_t candidate : set) {
        regression.columns.push_back(white_candidates_[candidate]);
        regression.noise.push_back(noise == Noise::kLeftOut ? white_noise_[candidate] : 0.0);
    }
    regression.free_sign.assign(set.size(), false);
    if (theta_ > 0) {
        regression.columns.push_back(first_level_column(growth_.size(), theta_));
        regression.noise.push_back(0.0);
        regression.free_sign.push_back(true);
    }
    return regression;
}

double Search::with_smallest_error(double squares) const {
    return squares + static_cast<double>(growth_.size()) * kSmallestError * kSmallestError;
}

double Search::fit_and_drop_idle(std::vector<std::size_t>& set) const {
    const Fit found = fit(regression_on(set));
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (found.coefficients[i] > 0) {
            kept.push_back(set[i]);
        }
    }
    set = kept;
    return with_smallest_error(found.squares_left);
}

// The candidates that, alone on top of `set`, would take most of the squares that it leaves.
std::vector<std::size_t> Search::short_list(const std::vector<std::size_t>& set) const {
    const Regression regression = regression_on(set);
    const std::vector<double> left = residuals(regression, fit(regression).coefficients);
    std::vector<std::pair<double, std::size_t>> gains;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const double along = dot_product(white_candidates_[i], left);
        const bool taken = std::ranges::find(set, i) != set.end();
        if (along > 0 && !taken) {
            gains.emplace_back(
                along * along /
                    (dot_product(white_candidates_[i], white_candidates_[i]) - white_noise_[i]),
                i);
        }
    }
    std::ranges::stable_sort(gains, [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < std::min(gains.size(), kShortList); ++i) {
        list.push_back(gains[i].second);
    }
    return list;
}

double Search::price() const {
    return std::log(static_cast<double>(growth_.size())) +
           2 * std::log(static_cast<double>(candidates_.size()));
}

// What the noise of its own counts leaves speaks against no candidate. Nor does it speak for one,
// against another that leaves as little without.
double Search::squares_but_noise(const std::vector<std::size_t>& set) const {
    const Fit found = fit(regression_on(set, Noise::kLeftOut));
    // Two standard deviations of a sum of squares.
    const double by_chance = 1 + 2 * std::sqrt(2 / static_cast<double>(growth_.size()));
    return with_smallest_error(
        std::max(found.squares_left - by_chance * found.squares_of_noise, 0.0));
}

std::vector<std::size_t> Search::select() const {
    const auto rows = static_cast<double>(growth_.size());
    std::vector<std::size_t> set;
    double squares = fit_and_drop_idle(set);
    while (set.size() < kMostGroups) {
        std::vector<Step> steps;
        double fewest_squares = squares;
        for (const std::size_t candidate : short_list(set)) {
            Step step{.candidate = candidate, .set = set};
            step.set.push_back(candidate);
            step.squares = fit_and_drop_idle(step.set);
            fewest_squares = std::min(fewest_squares, step.squares);
            steps.push_back(std::move(step));
        }
        // Of those that leave as little but for noise, the one that leaves least with it.
        std::ranges::stable_sort(steps, {}, &Step::squares);
        const Step* best = nullptr;
        double best_gain = 0;
        for (Step& step : steps) {
            step.squares = std::clamp(squares_but_noise(step.set),
                                      fewest_squares,
                                      std::max(fewest_squares, step.squares));
            const double gain = rows * std::log(squares / step.squares) -
                                candidates_[step.candidate].handicap - price();
            if (gain > best_gain) {
                best = &step;
                best_gain = gain;
            }
        }
        if (best == nullptr) {
            break;
        }
        set = best->set;
        squares = best->squares;
    }
    return set;
}

std::vector<double> Search::unexplained_growth(const std::vector<std::size_t>& set) const {
    const std::vector<double> coefficients = fit(regression_on(set)).coefficients;
    Shares shares;
    for (std::size_t i = 0; i < set.size(); ++i) {
        shares.emplace_back(set[i], Estimate{.value = coefficients[i]});
    }
    return unexplained(growth_, candidates_, shares);
}

Shares Search::prune(std::vector<std::size_t> set) const {
    while (!set.empty()) {
        const std::vector<Estimate> estimates =
            fit_with_intervals(regression_on(set, Noise::kLeftOut));
        const auto sureness = [](const Estimate& estimate) {
            return estimate.value > 0 ? estimate.low / estimate.value : 0.0;
        };
        const auto weakest =
            std::ranges::min_element(estimates.begin(),
                                     estimates.begin() + static_cast<std::ptrdiff_t>(set.size()),
                                     {},
                                     sureness);
        if (weakest->low > 0) {
            Shares found;
            for (std::size_t i = 0; i < set.size(); ++i) {
                found.emplace_back(set[i], estimates[i]);
            }
            return found;
        }
        set.erase(set.begin() + (weakest - estimates.begin()));
    }
    return {};
}

double Search::settle(double theta) {
    constexpr int kRounds = 4;
    whiten_with(theta);
    std::vector<std::size_t> set = select();
    for (int round = 0; round < kRounds; ++round) {
        const double next = estimate_theta(unexplained_growth(set));
        if (next == theta_) {
            break;
        }
        whiten_with(next);
        set = select();
    }
    const auto rows = static_cast<double>(growth_.size());
    return rows * std::log(fit_and_drop_idle(set)) + price() * static_cast<double>(set.size());
}

Shares Search::run() {
    // Which noise there is shows only once the growth is explained, and the other way round. Both
    // ends are tried: levels, which no passing noise leads astray, and differences, which no
    // staying noise does. The likelier result counts.
    const double from_levels = settle(kLargestTheta);
    const double theta_of_levels = theta_;
    const double from_differences = settle(0);
    if (from_levels <= from_differences) {
        whiten_with(theta_of_levels);
    }
    return prune(select());
}

double sum_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

// By how much each interval that jumps is beyond the others; zero in those.
std::vector<double> jumps_in(std::vector<double> left) {
    const double middle = median(left);
    std::vector<double> sizes;
    for (double& value : left) {
        value -= middle;
        sizes.push_back(std::abs(value));
    }
    // The standard deviation of normal errors of that median size.
    const double usual = std::max(1.4826 * median(sizes), kSmallestError);
    for (double& value : left) {
        value = std::abs(value) > kJump * usual ? value : 0;
    }
    return left;
}

// How many there are, and what they come to.
struct Jumps {
    std::size_t count = 0;
    double bytes = 0;
};

Jumps count_jumps(std::span<const double> jumps) {
    Jumps counted;
    for (const double jump : jumps) {
        counted.count += jump != 0 ? std::size_t{1} : 0;
        counted.bytes += jump;
    }
    return counted;
}

// The shares of what grows between jumps, such as of a hash table that doubles, each as much larger
// as the jumps come to: they are everybody's. Those at the very beginning are not: that is where
// caches fill, and a table that doubles has come to a few of them only. None where jumps are too
// large a part to be exceptions.
std::optional<Shares> between_jumps(const std::vector<double>& growth,
                                    const std::vector<Candidate>& candidates,
                                    const std::vector<double>& jumps) {
    const Jumps late = count_jumps(std::span(jumps).subspan(jumps.size() / kBeginning));
    if (std::abs(late.bytes) > kLargestJumps * sum_of(growth)) {
        return std::nullopt;
    }
    std::vector<double> even = growth;
    std::ranges::transform(even, jumps, even.begin(), std::minus());
    Shares shares = Search(even, candidates).run();
    const double all = sum_of(even) - sum_of(unexplained(even, candidates, shares));
    if (all <= 0) {
        return std::nullopt;
    }
    const double part = late.bytes / all;
    const double error = std::abs(part) / std::sqrt(std::max(1.0, static_cast<double>(late.count)));
    for (auto& [candidate, estimate] : shares) {
        estimate = with_further_error(estimate * (1 + part), error);
    }
    return shares;
}

// Sums of `width` values each; the last one may be of fewer.
std::vector<double> merged(const std::vector<double>& values, std::size_t width) {
    std::vector<double> sums((values.size() + width - 1) / width);
    for (std::size_t i = 0; i < values.size(); ++i) {
        sums[i / width] += values[i];
    }
    return sums;
}

// The shares of what comes in lumps, such as of a hash table that makes room for fifty entries when
// the one before the first of them comes, whosever it is: in intervals as wide as from lump to
// lump.
Shares in_lumps(const std::vector<double>& growth,
                const std::vector<Candidate>& candidates,
                std::size_t lumps) {
    const std::size_t width = growth.size() / lumps;
    std::vector<Candidate> wide = candidates;
    for (Candidate& candidate : wide) {
        candidate.increments = merged(candidate.increments, width);
        candidate.noise *= static_cast<double>(width);
    }
    return Search(merged(growth, width), wide).run();
}

// Where growth comes in part in jumps, the shares with that in mind; else as found.
Shares with_jumps(const std::vector<double>& growth,
                  const std::vector<Candidate>& candidates,
                  Shares found) {
    if (growth.size() < kFewestForJumps || found.empty()) {
        return found;
    }
    const std::vector<double> jumps = jumps_in(unexplained(growth, candidates, found));
    const Jumps counted = count_jumps(jumps);
    if (counted.count == 0 || counted.count * kIntervalsAJump > growth.size()) {
        return found;
    }
    if (auto even = between_jumps(growth, candidates, jumps)) {
        return *std::move(even);
    }
    return counted.count >= kFewestLumps && counted.bytes > 0
               ? in_lumps(growth, candidates, counted.count)
               : found;
}

// The standard error, as a share, of `each`, the mean that rounds left: not each leaves as much.
double error_of_mean(std::span<const double> bytes,
                     std::span<const double> rounds,
                     std::size_t first,
                     double each) {
    double squares = 0;
    for (std::size_t i = first + 1; i < bytes.size(); ++i) {
        const double beyond = bytes[i] - bytes[i - 1] - each * (rounds[i] - rounds[i - 1]);
        squares += beyond * beyond;
    }
    return std::sqrt(squares) / (bytes.back() - bytes[first]);
}

// In twice the logarithm of the likelihood. Where no group is plausible, each statement is as
// likely as another, and a group likelier by their number.
double handicap_of(const StatementGroup& group, bool plausible, bool any_plausible) {
    const double uncertain = kUncertain * group.error;
    if (any_plausible) {
        return uncertain + (plausible ? 0 : kImplausible);
    }
    const auto members = static_cast<double>(std::max<std::size_t>(group.members.size(), 1));
    return uncertain + kImplausible - 2 * std::log(members);
}

// Gives what goes with time to the groups beside it that were seen by chance, where there are
// several groups, all plausible: each as large a part as chance makes of the bytes that the fit
// gives it. No backend ever grew by time, which stands for what they truly ran.
void give_time_to_noisy(double seconds,
                        std::size_t first,
                        std::span<const StatementGroup> groups,
                        const std::vector<bool>& plausible,
                        Attribution& attribution) {
    const auto noise = [&](const GroupShare& share) {
        const double bytes = share.bytes_per_round.value;
        return bytes * bytes * groups[share.group].noise;
    };
    double all_noise = 0;
    bool all_plausible = true;
    for (const GroupShare& share : attribution.groups) {
        all_noise += noise(share);
        all_plausible = all_plausible && plausible[share.group];
    }
    if (all_noise == 0 || !all_plausible || attribution.groups.size() < 2) {
        return;
    }
    for (GroupShare& share : attribution.groups) {
        const StatementGroup& group = groups[share.group];
        const double per_round =
            seconds * noise(share) / all_noise / (group.total() - group.rounds[first]);
        share.bytes_per_round.value += per_round * attribution.untied_bytes_per_second->value;
        share.bytes_per_round.high += per_round * attribution.untied_bytes_per_second->high;
    }
    attribution.untied_bytes_per_second.reset();
}

// Adds what groups are known to have left after the warm-up to their shares, or makes it theirs;
// `rest` is what goes with all of it.
void add_known(std::span<const KnownShare> known,
               std::size_t first,
               std::span<const StatementGroup> groups,
               double rest,
               std::vector<GroupShare>& shares) {
    double all = 0;
    for (const KnownShare& share : known) {
        all += share.bytes.back() - share.bytes[first];
    }
    const double part = std::max(rest, 0.0) / all;
    for (const KnownShare& found : known) {
        const StatementGroup& group = groups[found.group];
        const double rounds = group.total() - group.rounds[first];
        const double each = (found.bytes.back() - found.bytes[first]) / rounds;
        if (rounds <= 0 || each <= 0) {
            continue;
        }
        auto share = std::ranges::find(shares, found.group, &GroupShare::group);
        if (share == shares.end()) {
            share = shares.insert(shares.end(), {.group = found.group});
        }
        const Estimate left = with_further_error(
            {.value = each * (1 + part), .low = each, .high = each * (1 + 2 * part)},
            error_of_mean(found.bytes, group.rounds, first, each));
        share->bytes_per_round.value += left.value;
        share->bytes_per_round.low += left.low;
        share->bytes_per_round.high += left.high;
    }
}

}  // namespace

Estimate with_further_error(const Estimate& estimate, double error) {
    constexpr double kQuantile = 1.96;  // of the normal distribution, 95 %
    if (error == 0 || estimate.value <= 0) {
        return estimate;
    }
    const auto wider = [&](double ratio) {
        return std::exp(std::hypot(std::log(ratio), kQuantile * error));
    };
    const double value = estimate.value;
    return {.value = value,
            .low = value / wider(value / std::max(estimate.low, 0.0)),
            .high = value * wider(estimate.high / value)};
}

Attribution attribute_growth(std::span<const double> seconds,
                             std::span<const double> bytes,
                             std::size_t first,
                             std::span<const StatementGroup> groups,
                             const std::vector<bool>& plausible,
                             std::span<const KnownShare> known) {
    std::vector<double> left(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.end());
    const double whole = variance(left);
    const double least = known.empty() ? 0 : kTrifle * (left.back() - left.front());
    for (const KnownShare& share : known) {
        for (std::size_t i = 0; i < left.size(); ++i) {
            left[i] -= share.bytes[first + i];
        }
    }
    const auto is_known = [&](std::size_t group) {
        return std::ranges::find(known, group, &KnownShare::group) != known.end();
    };
    const bool any_plausible = std::ranges::find(plausible, true) != plausible.end();
    std::vector<Candidate> candidates;
    std::vector<std::size_t> group_of_candidate;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i].rounds.back() > groups[i].rounds[first]) {
            candidates.push_back(
                {.increments = differences(std::span(groups[i].rounds).subspan(first)),
                 .handicap = handicap_of(groups[i], plausible[i], any_plausible) +
                             (known.empty() || is_known(i) ? 0 : kImplausible),
                 .noise = groups[i].noise});
            group_of_candidate.push_back(i);
        }
    }
    if (!seconds.empty()) {
        candidates.push_back(
            {.increments = differences(seconds.subspan(first)), .handicap = kTime});
    }
    const std::vector<double> growth = differences(left);
    // What came beside what is known, and is little: the entries of a table of names, say.
    const double rest = left.back() - left.front();
    const bool is_trifle = !known.empty() && rest < least;
    const Shares shares = is_trifle || candidates.empty()
                              ? Shares{}
                              : with_jumps(growth, candidates, Search(growth, candidates).run());
    Attribution attribution;
    for (const auto& [candidate, estimate] : shares) {
        const bool time = candidate == group_of_candidate.size();
        const std::span<const double> rounds =
            time ? seconds : std::span<const double>(groups[group_of_candidate[candidate]].rounds);
        for (std::size_t i = 0; i < left.size(); ++i) {
            left[i] -= estimate.value * rounds[first + i];
        }
        if (estimate.value * (rounds.back() - rounds[first]) < least &&
            (time || !is_known(group_of_candidate[candidate]))) {
            continue;
        }
        if (time) {
            attribution.untied_bytes_per_second = estimate;
        } else {
            const std::size_t group = group_of_candidate[candidate];
            attribution.groups.push_back(
                {.group = group,
                 .bytes_per_round = with_further_error(estimate, groups[group].error)});
        }
    }
    if (attribution.untied_bytes_per_second) {
        give_time_to_noisy(seconds.back() - seconds[first], first, groups, plausible, attribution);
    }
    add_known(known, first, groups, is_trifle ? rest : 0, attribution.groups);
    attribution.straightness = whole > 0 ? std::clamp(1.0 - variance(left) / whole, 0.0, 1.0) : 0.0;
    std::ranges::stable_sort(attribution.groups, [&](const GroupShare& a, const GroupShare& b) {
        return a.bytes_per_round.value * groups[a.group].total() >
               b.bytes_per_round.value * groups[b.group].total();
    });
    return attribution;
}

}  // namespace palloscope
