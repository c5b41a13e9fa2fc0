#pragma once

#include <string_view>

namespace palloscope {

// On what a growth is judged.
enum class GrowingMemory {
    kUsedBytes,   // of the contexts
    kTotalBytes,  // of the contexts, with what is free in their blocks, where used bytes do not
                  // grow
    kRssAnon,     // the processes' anonymous memory, where used bytes do not grow
};

// "used_bytes", "total_bytes", "rss_anon_bytes".
[[nodiscard]] constexpr std::string_view to_string(GrowingMemory memory) {
    switch (memory) {
        case GrowingMemory::kUsedBytes:
            return "used_bytes";
        case GrowingMemory::kTotalBytes:
            return "total_bytes";
        case GrowingMemory::kRssAnon:
            break;
    }
    return "rss_anon_bytes";
}

}  // namespace palloscope
