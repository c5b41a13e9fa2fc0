#pragma once

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// Gives each leaking backend of `diagnosis`, which is of `history`, its Forecast. Backends with the
// same limit are taken to be in one control group.
void add_forecasts(const History& history, Diagnosis& diagnosis);

}  // namespace palloscope
