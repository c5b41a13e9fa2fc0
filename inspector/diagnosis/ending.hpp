#pragma once

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/diagnosis/sighting_weights.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// Gives each backend of `diagnosis`, which is of `history`, as `weights` are, that was killed for
// lack of memory its Ending. It and those under the same limit, where nothing proves that they leak
// by all of their recording, are diagnosed by what came before memory was scarce.
void add_endings(const History& history, const SightingWeights& weights, Diagnosis& diagnosis);

}  // namespace palloscope
