#pragma once

#include <vector>

#include "inspector/model/history.hpp"

namespace palloscope {

// How many executions of one statement there were, given those that looks now and then happened to
// see (Sighting); an estimate, never less than were seen.
//
// One that lasts, with its client's turn after it, for less than the time between two looks is seen
// by chance only. Yet however the times are spread, those that begin within the last δ before a
// look are all seen, if all last for δ: their number in that time is the true one. For δ serves the
// offset below which the first quarter of the sightings lie.
[[nodiscard]] double estimated_calls(const std::vector<const ExecutionRecord*>& sighted);

}  // namespace palloscope
