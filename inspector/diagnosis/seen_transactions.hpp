#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "inspector/diagnosis/sightings.hpp"

namespace palloscope {

// A statement that a look at a backend saw, and the transaction block that it was seen in.
struct SeenInTransaction {
    std::size_t statement = 0;  // a number below that of all statements
    std::optional<std::int64_t> transaction_began_at_ns;
};

// How often a statement ran that runs once in each transaction block of some kind.
struct CallsByTransactions {
    CallsEstimate calls;
    // Those that it was seen in: numbers that rise. And how many of its calls each stands for.
    std::vector<std::size_t> blocks;
    std::vector<double> stands_for;
};

// How often statements of one backend ran that run once in each transaction block of some kind, by
// capture and recapture (Lincoln and Petersen): of the blocks in which one of its companions was
// seen, as many are without it as there are of its own that no look saw. Nothing is supposed of
// how long it lasts, so that it holds where looks are late for want of a processor: by the journals
// of Conjur's loads on a full machine (servers of 10 and 14), 226 numbers of statements were off by
// 6 %, while by their sightings alone (weigh_sightings()) they were a quarter too low. One seen in
// fewer than 20 blocks is off by 8 %. Looks see more of the blocks at some times than at others, of
// the statement as of its companions, so that each time is counted by itself.
//
// Companions are those that never seem to be seen without it. Where all of them run in more blocks
// than it does, the number is that of these blocks: more than its own.
//
// One element for each of so many statements: none for one that was seen too seldom, that was seen
// twice in one block or often outside of blocks, or that has too few companions.
[[nodiscard]] std::vector<std::optional<CallsByTransactions>> calls_by_transactions(
    std::span<const SeenInTransaction> seen, std::size_t statements);

}  // namespace palloscope
