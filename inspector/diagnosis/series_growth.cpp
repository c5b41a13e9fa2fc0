#include "inspector/diagnosis/series_growth.hpp"

namespace palloscope {

SeriesGrowth series_growth(const BackendHistory& backend, bool (*covers)(std::string_view path)) {
    SeriesGrowth growth;
    for (const ContextSeries& series : backend.contexts) {
        if (!covers(series.path) || series.figures.empty()) {
            continue;
        }
        growth.bytes += static_cast<double>(series.figures.back().used_bytes -
                                            series.figures.front().used_bytes);
        if (!series.count.empty()) {
            growth.contexts += series.count.back() - series.count.front();
        }
    }
    return growth;
}

SeriesGrowth series_growth(const std::vector<ContextGrowth>& contexts,
                           bool (*covers)(std::string_view path)) {
    SeriesGrowth growth;
    for (const ContextGrowth& context : contexts) {
        if (covers(context.path)) {
            growth.bytes += static_cast<double>(context.bytes);
            growth.contexts += static_cast<double>(context.contexts);
        }
    }
    return growth;
}

}  // namespace palloscope
