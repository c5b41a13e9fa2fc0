#include "inspector/diagnosis/seen_transactions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace palloscope {

namespace {

// Blocks that a statement was seen in, for it to be counted, and to be a companion.
constexpr std::size_t kFewestBlocks = 10;
constexpr std::size_t kFewestOfCompanion = 5;
// Of its own, for a time to be counted by itself.
constexpr std::size_t kFewestOfATime = 15;
// Of what was seen of a statement, the part that was in blocks.
constexpr double kNearlyAlways = 0.9;
// Of the blocks that a statement was seen in, those in which a companion was seen too: so many are
// wanted, and so many must be.
constexpr double kWanted = 0.95;
constexpr double kLeast = 0.8;
// Standard error of the method, as a share: looks see more of a block that is slow.
constexpr double kErrorOfMethod = 0.06;

class SeenTransactions {
  public:
    SeenTransactions(std::span<const SeenInTransaction> seen, std::size_t statements)
        : blocks_of_(statements), once_(statements, true) {
        std::vector<std::size_t> times(statements);
        std::unordered_map<std::int64_t, std::size_t> places;
        for (const SeenInTransaction& one : seen) {
            ++times[one.statement];
            if (!one.transaction_began_at_ns) {
                continue;
            }
            const std::size_t block =
                places.try_emplace(*one.transaction_began_at_ns, places.size()).first->second;
            statements_of_.resize(places.size());
            std::vector<std::size_t>& members = statements_of_[block];
            if (std::ranges::find(members, one.statement) != members.end()) {
                once_[one.statement] = false;
            } else {
                members.push_back(one.statement);
                blocks_of_[one.statement].push_back(block);
            }
        }
        for (std::size_t i = 0; i < statements; ++i) {
            once_[i] = once_[i] && static_cast<double>(blocks_of_[i].size()) >=
                                       kNearlyAlways * static_cast<double>(times[i]);
            std::ranges::sort(blocks_of_[i]);
        }
    }

    [[nodiscard]] std::optional<CallsByTransactions> calls_of(std::size_t statement) const {
        const std::vector<std::size_t>& own = blocks_of_[statement];
        if (!once_[statement] || own.size() < kFewestBlocks) {
            return std::nullopt;
        }
        const std::vector<bool> with_companion = blocks_with_companion(statement);
        const auto seen = static_cast<double>(own.size());
        const auto both = static_cast<double>(
            std::ranges::count_if(own, [&](std::size_t block) { return with_companion[block]; }));
        if (both < kLeast * seen) {
            return std::nullopt;
        }
        const auto companions = static_cast<double>(std::ranges::count(with_companion, true));
        const double chance = (1 - both / seen) * (1 - both / companions) / both;
        CallsByTransactions calls{.blocks = own, .stands_for = stand_for(own, with_companion)};
        calls.calls = {
            .calls = std::accumulate(calls.stands_for.begin(), calls.stands_for.end(), 0.0),
            .error = std::hypot(kErrorOfMethod, std::sqrt(chance))};
        return calls;
    }

  private:
    // By block, whether one of as many companions was seen in it as are wanted.
    [[nodiscard]] std::vector<bool> blocks_with_companion(std::size_t statement) const {
        std::vector<std::size_t> left = blocks_of_[statement];  // in which none was seen
        const auto to_find = static_cast<double>(left.size()) * (1 - kWanted);
        std::vector<bool> with_companion(statements_of_.size());
        for (const auto& [share, companion] : companions_of(statement)) {
            if (static_cast<double>(left.size()) <= to_find) {
                break;
            }
            for (const std::size_t block : blocks_of_[companion]) {
                with_companion[block] = true;
            }
            std::erase_if(left, [&](std::size_t block) { return with_companion[block]; });
        }
        return with_companion;
    }

    // How many calls each of its blocks stands for: as many at all times as at that one.
    static std::vector<double> stand_for(const std::vector<std::size_t>& own,
                                         const std::vector<bool>& with_companion) {
        const std::size_t times = std::max<std::size_t>(own.size() / kFewestOfATime, 1);
        std::vector<double> stand_for;
        std::size_t block = 0;
        for (std::size_t time = 0; time < times; ++time) {
            const std::size_t end = own.size() * (time + 1) / times;
            const std::size_t end_block = end < own.size() ? own[end] : with_companion.size();
            double companions = 0;
            for (; block < end_block; ++block) {
                companions += with_companion[block] ? 1 : 0;
            }
            double both = 0;
            for (std::size_t i = stand_for.size(); i < end; ++i) {
                both += with_companion[own[i]] ? 1 : 0;
            }
            stand_for.resize(end, both > 0 ? companions / both : 1);
        }
        return stand_for;
    }

    // The surest first that never runs without it: by the share of its blocks that the statement
    // was seen in too, less two standard errors; here as a negative number.
    [[nodiscard]] std::vector<std::pair<double, std::size_t>> companions_of(
        std::size_t statement) const {
        std::unordered_map<std::size_t, double> together;
        for (const std::size_t block : blocks_of_[statement]) {
            for (const std::size_t other : statements_of_[block]) {
                together[other] += 1;
            }
        }
        together.erase(statement);
        std::vector<std::pair<double, std::size_t>> companions;
        for (const auto& [other, times] : together) {
            const double share =
                (times - 2 * std::sqrt(times)) / static_cast<double>(blocks_of_[other].size());
            if (blocks_of_[other].size() >= kFewestOfCompanion && share > 0) {
                companions.emplace_back(-share, other);
            }
        }
        std::ranges::sort(companions);
        return companions;
    }

    std::vector<std::vector<std::size_t>> blocks_of_;      // by statement
    std::vector<std::vector<std::size_t>> statements_of_;  // by block
    std::vector<bool> once_;                               // by statement
};

}  // namespace

std::vector<std::optional<CallsByTransactions>> calls_by_transactions(
    std::span<const SeenInTransaction> seen, std::size_t statements) {
    const SeenTransactions transactions(seen, statements);
    std::vector<std::optional<CallsByTransactions>> calls;
    for (std::size_t i = 0; i < statements; ++i) {
        calls.push_back(transactions.calls_of(i));
    }
    return calls;
}

}  // namespace palloscope
