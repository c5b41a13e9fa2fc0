#include "inspector/diagnosis/experiment_outcome.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fmt/core.h>

#include "inspector/diagnosis/intervention_words.hpp"
#include "inspector/diagnosis/steady_growth.hpp"

namespace palloscope {

namespace {

// PostgreSQL's smallest usual block: less than this in a whole trial is no growth.
constexpr double kLeastGrowthBytes = 8192;
// What is beyond doubt less than this share of the growth without an intervention counts as none,
// and only what is beyond doubt more as no effect;
// where its interval reaches down to none, or to the last share, it may be as much as the second
// one: teeth of a saw leave wide intervals, of which one in forty begins above none by chance.
constexpr double kStoppedShare = 0.2;
constexpr double kNoneLeftShare = 0.5;
constexpr double kNearlyNoneShare = 0.05;

std::optional<Estimate> growth_of(const Trial& trial,
                                  GrowthUnit unit,
                                  std::int64_t MemorySample::*memory) {
    std::vector<double> seconds;
    std::vector<double> bytes;
    std::vector<double> loops;
    for (const MemorySample& sample : trial.samples) {
        seconds.push_back(sample.seconds);
        bytes.push_back(static_cast<double>(sample.*memory));
        loops.push_back(static_cast<double>(sample.loops));
    }
    const auto bytes_a_second = steady_growth(seconds, bytes);
    if (!bytes_a_second || unit == GrowthUnit::kSecond) {
        return bytes_a_second;
    }
    // Both slopes in time, and not the bytes against the loops: those are known in steps only.
    const auto loops_a_second = steady_growth(seconds, loops);
    if (!loops_a_second || loops_a_second->value <= 0) {
        return std::nullopt;
    }
    return Estimate{.value = bytes_a_second->value / loops_a_second->value,
                    .low = bytes_a_second->low / loops_a_second->value,
                    .high = bytes_a_second->high / loops_a_second->value};
}

bool grows(const Trial& trial, GrowthUnit unit, const std::optional<Estimate>& growth) {
    if (!growth || growth->low <= 0) {
        return false;
    }
    const MemorySample& last = trial.samples.back();
    const double units = unit == GrowthUnit::kLoop ? static_cast<double>(last.loops) : last.seconds;
    return growth->value * units >= kLeastGrowthBytes;
}

Effect effect_of(const Estimate& growth, const Estimate& without) {
    const bool may_be_none = growth.low <= kNearlyNoneShare * without.value;
    const double stopped = may_be_none ? kNoneLeftShare : kStoppedShare;
    if (growth.high < std::min(stopped * without.value, without.low)) {
        return Effect::kStops;
    }
    if (growth.high < without.low) {
        return Effect::kSlows;
    }
    if (growth.low > without.high) {
        return Effect::kHastens;
    }
    return growth.low >= kStoppedShare * without.value ? Effect::kNone : Effect::kUnclear;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) {
        list += (list.empty() ? "" : "; ") + text;
    }
    return list;
}

std::vector<std::string> conclusions_of(const Experiment& experiment,
                                        const ExperimentOutcome& outcome) {
    std::vector<std::string> stop;
    for (std::size_t i = 1; i < outcome.trials.size(); ++i) {
        if (outcome.trials[i].effect == Effect::kStops) {
            stop.push_back(experiment.trials[i].description);
        }
    }
    std::vector<std::string> conclusions;
    if (!stop.empty()) {
        conclusions.push_back(fmt::format("What stops the growth: {}.", joined(stop)));
    } else if (outcome.trials.size() > 1) {
        conclusions.emplace_back("Nothing that was tried stops the growth.");
    }
    for (std::size_t i = 1; i < outcome.trials.size(); ++i) {
        const std::string_view words =
            intervention_words(experiment.trials[i].intervention, outcome.trials[i].effect);
        if (!words.empty() && std::ranges::find(conclusions, words) == conclusions.end()) {
            conclusions.emplace_back(words);
        }
    }
    const auto any = [&](Effect effect) {
        return std::ranges::find(outcome.trials, effect, &TrialOutcome::effect) !=
               outcome.trials.end();
    };
    if (any(Effect::kUnclear)) {
        conclusions.emplace_back("Where the effect is unclear, a longer --duration may tell.");
    }
    if (experiment.unit == GrowthUnit::kSecond &&
        (any(Effect::kStops) || any(Effect::kSlows) || any(Effect::kHastens))) {
        conclusions.emplace_back(
            "Growth is counted by the second, so what slows the command, or hastens it, does the "
            "same to its growth: see that it still did its work.");
    }
    return conclusions;
}

ExperimentOutcome judge_on(const Experiment& experiment,
                           GrowingMemory judged_on,
                           std::int64_t MemorySample::*memory) {
    ExperimentOutcome outcome{.judged_on = judged_on};
    for (const Trial& trial : experiment.trials) {
        outcome.trials.push_back({.growth = growth_of(trial, experiment.unit, memory),
                                  .effect = trial.not_run ? Effect::kNotTried : Effect::kUnclear});
    }
    if (outcome.trials.empty()) {
        return outcome;
    }
    TrialOutcome& without = outcome.trials.front();
    outcome.grows = grows(experiment.trials.front(), experiment.unit, without.growth);
    if (!outcome.grows) {
        return outcome;
    }
    for (TrialOutcome& trial : outcome.trials) {
        if (trial.effect != Effect::kNotTried && trial.growth) {
            trial.effect = effect_of(*trial.growth, *without.growth);
        }
    }
    without.effect = Effect::kNone;
    outcome.conclusions = conclusions_of(experiment, outcome);
    return outcome;
}

}  // namespace

std::string_view to_string(Effect effect) {
    switch (effect) {
        case Effect::kStops:
            return "stops";
        case Effect::kSlows:
            return "slows";
        case Effect::kNone:
            return "none";
        case Effect::kHastens:
            return "hastens";
        case Effect::kUnclear:
            return "unclear";
        case Effect::kNotTried:
            return "not tried";
    }
    return "unclear";
}

ExperimentOutcome judge_experiment(const Experiment& experiment) {
    ExperimentOutcome outcome =
        judge_on(experiment, GrowingMemory::kUsedBytes, &MemorySample::used_bytes);
    if (!outcome.grows) {
        ExperimentOutcome on_rss =
            judge_on(experiment, GrowingMemory::kRssAnon, &MemorySample::rss_anon_bytes);
        if (on_rss.grows) {
            return on_rss;
        }
    }
    return outcome;
}

}  // namespace palloscope
