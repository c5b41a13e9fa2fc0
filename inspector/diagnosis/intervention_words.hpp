#pragma once

#include <string_view>

#include "inspector/diagnosis/experiment_outcome.hpp"

namespace palloscope {

// What follows from this effect of the intervention of that id, in a sentence; empty where nothing
// does.
[[nodiscard]] std::string_view intervention_words(std::string_view intervention, Effect effect);

}  // namespace palloscope
