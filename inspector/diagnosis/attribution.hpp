#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/statement_groups.hpp"

namespace palloscope {

// A group of statements that some growth is put down to.
struct GroupShare {
    // Index into the groups that were offered.
    std::size_t group = 0;
    Estimate bytes_per_round;
};

// What a group is known to have left in a series of bytes, at the moments of the series.
struct KnownShare {
    // Index into the groups that were offered.
    std::size_t group = 0;
    std::span<const double> bytes;
};

// What grows a series of bytes.
struct Attribution {
    // Largest in bytes first; every interval lies above zero.
    std::vector<GroupShare> groups;
    // Growth that goes with time and not with any recorded statement.
    std::optional<Estimate> untied_bytes_per_second;
    // The part of the series' variance that this explains, 0 … 1: 1 is a straight line of bytes
    // against rounds.
    double straightness = 0;
};

// Puts the growth of a series down to statements.
//
// The model is growth per interval = Σ bytes_per_round × rounds, none negative, with the noise of
// local_level.hpp. Of the groups it takes the fewest that explain the growth: the one that explains
// most first, another as long as the gain is worth it (Schwarz's criterion, stricter the more
// groups are on offer), all coefficients anew each time by non-negative least squares. Plain
// non-negative least squares over all groups would hand each of a hundred innocent statements a
// little of the growth. What a bootstrap interval then cannot hold above zero is dropped. Where the
// number of rounds is an estimate, the interval is as wide as both errors make it.
//
// Two groups can explain a growth equally well within the noise. Between such, one that is
// `plausible` to the rule that asks wins, and where none is, one of more statements; and time,
// which no backend ever grew by (it allocates only while it runs something), wins over statements
// only where it explains the growth much better.
//
// What is put down to time all the same, and beside it to several groups, all plausible, is theirs
// that were seen by chance: at an even pace, time is their number without the chance in it. (Beside
// one only, the rule knows whether all is its: give_all_to_one, cause_statements.hpp.)
//
// A few intervals may jump, by far more than what else varies: a hash table doubles. Such are
// everybody's: they are left out while statements are told apart, and each group gets its part of
// them in the end, but for those at the very beginning, where caches fill. Where growth is made of
// many jumps, it comes in lumps, each of which serves many statements and is the first one's by
// chance: statements are told apart in intervals as wide as from lump to lump. A growth that is
// made of a few is taken as it is.
//
// What groups are known to have left is theirs without a search. The rest goes along with it where
// it is less than a twentieth of the growth. Else the search is for the rest, in which another
// group must explain much more than they do; and what is put down to it is left out where that is
// as little.
//
// `seconds` and `bytes` are the moments and the series, `first` the index after the warm-up; the
// groups' rounds belong to the same moments; plausible[i] tells of groups[i]. Without `seconds`
// time is not asked: where there is nothing but these statements, and each takes as long as it does
// whenever it runs, time is their number and fits as well as they do.
[[nodiscard]] Attribution attribute_growth(std::span<const double> seconds,
                                           std::span<const double> bytes,
                                           std::size_t first,
                                           std::span<const StatementGroup> groups,
                                           const std::vector<bool>& plausible,
                                           std::span<const KnownShare> known = {});

// The estimate with an interval that holds a further error too, of this standard error, a share of
// the value: of the number of rounds, say, where that is an estimate.
[[nodiscard]] Estimate with_further_error(const Estimate& estimate, double error);

}  // namespace palloscope
