#include <cmath>

#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"
#include "inspector/report/experiment_text.hpp"

namespace palloscope {

namespace {

using Json = nlohmann::ordered_json;

Json growth_json(const std::optional<Estimate>& growth) {
    if (!growth) {
        return nullptr;
    }
    return {{"value", growth->value}, {"low", growth->low}, {"high", growth->high}};
}

Json sample_json(const MemorySample& sample) {
    return {{"seconds", sample.seconds},
            {"used_bytes", sample.used_bytes},
            {"rss_anon_bytes", sample.rss_anon_bytes},
            {"backends", sample.backends},
            {"loops", sample.loops}};
}

Json trial_json(const Trial& trial, const TrialOutcome& outcome) {
    Json samples = Json::array();
    for (const MemorySample& sample : trial.samples) {
        samples.push_back(sample_json(sample));
    }
    return {{"intervention", trial.intervention},
            {"description", json_text(trial.description)},
            {"effect", to_string(outcome.effect)},
            {"bytes_per_unit", growth_json(outcome.growth)},
            {"seconds", trial.seconds},
            {"errors", trial.errors},
            {"not_run", trial.not_run ? Json(json_text(*trial.not_run)) : Json(nullptr)},
            {"samples", std::move(samples)}};
}

}  // namespace

std::string experiment_json(const Experiment& experiment, const ExperimentOutcome& outcome) {
    Json trials = Json::array();
    for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
        trials.push_back(trial_json(experiment.trials[i], outcome.trials[i]));
    }
    return Json{{"schema", "palloscope.experiment/1"},
                {"workload", json_text(experiment.workload)},
                {"server_version_num", experiment.server_version_num},
                {"unit", experiment.unit == GrowthUnit::kLoop ? "loop" : "second"},
                {"judged_on", to_string(outcome.judged_on)},
                {"grows", outcome.grows},
                {"conclusions", outcome.conclusions},
                {"trials", std::move(trials)}}
               .dump(2) +
           '\n';
}

}  // namespace palloscope
