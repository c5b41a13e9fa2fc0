#pragma once

#include <span>

#include "inspector/diagnosis/estimate.hpp"

namespace palloscope {

// How fast a leaking backend takes up the memory that its control group is charged for, in bytes a
// second: by the pages of its own (RssAnon, `pages` at `seconds`), which hold what its contexts use
// and, beside it, free space, headers and what malloc keeps. Where they show no more than
// `of_contexts`, the rate of the contexts, it is that one: they may fill free space for a while,
// but the bytes need pages in the end.
[[nodiscard]] Estimate rate_of_taking(std::span<const double> seconds,
                                      std::span<const double> pages,
                                      const Estimate& of_contexts);

}  // namespace palloscope
