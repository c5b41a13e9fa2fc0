#include "inspector/diagnosis/stepped_rounds.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace palloscope {

namespace {

// In all the intervals that statements had to themselves; none where that is not known of all.
std::optional<double> taken_by(const std::vector<SuspectedGroup>& groups) {
    double taken = 0;
    for (const SuspectedGroup& group : groups) {
        for (const SuspectedStatement& member : group.statements) {
            if (!member.own) {
                return std::nullopt;
            }
            taken += member.own->bytes_per_call.value * static_cast<double>(member.own->calls);
        }
    }
    return taken;
}

double width(const Estimate& estimate) {
    return estimate.high - estimate.low;
}

// What the members took together.
Estimate taken_in_a_round(const SuspectedGroup& group) {
    double bytes = 0;
    double squares = 0;
    for (const SuspectedStatement& member : group.statements) {
        const Estimate& own = member.own->bytes_per_call;
        bytes += member.calls_in_a_round * own.value;
        squares += std::pow(member.calls_in_a_round * width(own) / 2, 2);
    }
    return {.value = bytes, .low = bytes - std::sqrt(squares), .high = bytes + std::sqrt(squares)};
}

// `whole`: the growth, as a multiple of what all statements took.
void leave_what_members_took(double whole, SuspectedGroup& group) {
    Estimate& left = group.bytes_per_round;
    Estimate taken = taken_in_a_round(group);
    taken.value *= whole;
    taken.low *= std::min(whole, 1.0);
    taken.high *= std::max(whole, 1.0);
    const bool agree = left.value > taken.low && left.value < taken.high;
    if (left.value <= 0 || taken.value <= 0 || (agree && width(left) <= width(taken))) {
        return;
    }
    for (double& bytes : group.bytes_so_far) {
        bytes *= taken.value / left.value;
    }
    left = taken;
}

}  // namespace

void leave_what_members_took(double growth, std::vector<SuspectedGroup>& groups) {
    constexpr double kLeftOver = 0.05;
    const std::optional<double> taken = taken_by(groups);
    if (!taken || growth <= 0 || std::abs(*taken - growth) > kLeftOver * growth) {
        return;
    }
    for (SuspectedGroup& group : groups) {
        leave_what_members_took(growth / *taken, group);
    }
}

}  // namespace palloscope
