#pragma once

#include <cstddef>
#include <cstdint>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// How fast a leaking backend takes up the memory that its control group is charged for, in bytes a
// second: by the pages of its own (RssAnon, at the chosen snapshots first … end - 1), which hold
// what its contexts use and, beside it, free space, headers and what malloc keeps. Where they show
// no more than `of_contexts`, the rate of the contexts, it is that one: they may fill free space
// for a while, but the bytes need pages in the end.
[[nodiscard]] Estimate rate_of_taking(const BackendHistory& backend,
                                      const SnapshotChoice& choice,
                                      std::size_t first,
                                      std::size_t end,
                                      const Estimate& of_contexts);

// The rate of two together. The ends of the intervals are added too: wider than need be, never
// narrower.
[[nodiscard]] Estimate together(const Estimate& rate, const Estimate& other);

// In how many seconds so many bytes are taken up.
[[nodiscard]] Estimate seconds_until_taken(std::int64_t bytes, const Estimate& rate);

}  // namespace palloscope
