#pragma once

#include <vector>

#include "inspector/model/statement.hpp"

namespace palloscope {

// How many executions of one statement there were that looks now and then might miss, given those
// that they happened to see (ExecutionRecord::sighting); an estimate, never less than were seen.
//
// One that lasts, with its client's turn after it, for less than the time between two looks is seen
// by chance only. Yet however the times are spread, those that begin within the last δ before a
// look are all seen, if all last for δ: their number in that time is the true one. For δ serves the
// offset below which the first half of the sightings lie: with a smaller one fewer are counted,
// with a larger one more do not last for it (of times that are spread exponentially, half do not,
// and the number comes out a quarter too low).
[[nodiscard]] double estimated_calls(const std::vector<Sighting>& sightings);

}  // namespace palloscope
