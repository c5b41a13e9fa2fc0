#pragma once

#include <string>

#include "inspector/diagnosis/experiment_outcome.hpp"
#include "inspector/model/experiment.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// The table of the trials, with the growth under each and its interval, and what follows from it.
// Ends in a newline.
[[nodiscard]] std::string experiment_text(const Experiment& experiment,
                                          const ExperimentOutcome& outcome,
                                          const TextStyle& style);

// The same as one JSON object, palloscope.experiment/1. Ends in a newline.
[[nodiscard]] std::string experiment_json(const Experiment& experiment,
                                          const ExperimentOutcome& outcome);

}  // namespace palloscope
