#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/growing_memory.hpp"
#include "inspector/model/experiment.hpp"

namespace palloscope {

// What an intervention does to the growth.
enum class Effect {
    kStops,     // nothing grows any more, or less than a fifth of what did
    kSlows,     // it grows by less, beyond doubt
    kNone,      // it grows as it did
    kHastens,   // it grows by more, beyond doubt
    kUnclear,   // the interval is too wide to say
    kNotTried,  // Trial::not_run says why
};

// "stops", "slows", "none", "hastens", "unclear", "not tried".
[[nodiscard]] std::string_view to_string(Effect effect);

struct TrialOutcome {
    // Bytes a loop or a second; none where the trial was too short.
    std::optional<Estimate> growth;
    Effect effect = Effect::kUnclear;  // of the trial without an intervention: kNone
};

struct ExperimentOutcome {
    GrowingMemory judged_on = GrowingMemory::kUsedBytes;  // or kRssAnon
    // Whether the workload grows at all without an intervention. Where it does not, no effect is
    // known.
    bool grows = false;
    std::vector<TrialOutcome> trials;  // one for each of the experiment's
    // What follows, in sentences, the most useful first.
    std::vector<std::string> conclusions;
};

[[nodiscard]] ExperimentOutcome judge_experiment(const Experiment& experiment);

}  // namespace palloscope
