#pragma once

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// Gives each leaking backend of `diagnosis`, which is of `history`, its Forecast, by how fast it
// and those in the same control group take up memory (taken_memory.hpp).
void add_forecasts(const History& history, Diagnosis& diagnosis);

}  // namespace palloscope
