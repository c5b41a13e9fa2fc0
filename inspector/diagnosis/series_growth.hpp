#pragma once

#include <string_view>
#include <vector>

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

struct SeriesGrowth {
    double bytes = 0;
    // How many contexts more there are.
    double contexts = 0;
};

// What the contexts that `covers` accepts grew by, from the first snapshot of the backend to the
// last.
[[nodiscard]] SeriesGrowth series_growth(const BackendHistory& backend,
                                         bool (*covers)(std::string_view path));

// What those of `contexts` that it accepts grew by, at the snapshots that are judged.
[[nodiscard]] SeriesGrowth series_growth(const std::vector<ContextGrowth>& contexts,
                                         bool (*covers)(std::string_view path));

}  // namespace palloscope
