#pragma once

namespace palloscope {

// What a backend's memory, or a part of it, does over a recording.
enum class GrowthVerdict {
    kTooFewSnapshots,  // cannot be judged
    kFlat,             // does not grow
    kSettled,          // grew, but nothing proves that it goes on: caches that filled and stay
    kLeak,             // grows, and goes on growing
};

}  // namespace palloscope
