#include "inspector/diagnosis/total_memory.hpp"

namespace palloscope {

BackendHistory by_total_bytes(const BackendHistory& backend) {
    BackendHistory total = backend;
    for (SnapshotSummary& snapshot : total.snapshots) {
        snapshot.total.used_bytes = snapshot.total.total_bytes;
    }
    for (ContextSeries& series : total.contexts) {
        for (ContextFigures& figures : series.figures) {
            figures.used_bytes = figures.total_bytes;
        }
    }
    return total;
}

}  // namespace palloscope
