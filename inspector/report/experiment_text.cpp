#include "inspector/report/experiment_text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/report/text_columns.hpp"
#include "inspector/report/wrapped_text.hpp"

namespace palloscope {

namespace {

constexpr int kDefaultWidth = 100;
constexpr int kNarrowest = 64;
constexpr std::string_view kIndent = "  ";
constexpr std::string_view kPoint = "  - ";
constexpr std::string_view kGap = "  ";

struct Row {
    std::string intervention;
    std::string growth;
    std::string interval;
    std::string effect;
    Paint paint = Paint::kFaint;
};

std::string growth_text(double bytes) {
    return size_change_text(std::llround(bytes));
}

Paint paint_of(Effect effect) {
    switch (effect) {
        case Effect::kStops:
        case Effect::kSlows:
            return Paint::kShrank;
        case Effect::kNone:
        case Effect::kHastens:
            return Paint::kGrew;
        case Effect::kUnclear:
        case Effect::kNotTried:
            return Paint::kFaint;
    }
    return Paint::kFaint;
}

std::string effect_text(Effect effect) {
    switch (effect) {
        case Effect::kStops:
            return "stops it";
        case Effect::kSlows:
            return "slows it";
        case Effect::kNone:
            return "no effect";
        case Effect::kHastens:
            return "makes it worse";
        case Effect::kUnclear:
        case Effect::kNotTried:
            break;
    }
    return std::string(to_string(effect));
}

std::vector<Row> rows_of(const Experiment& experiment, const ExperimentOutcome& outcome) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
        const TrialOutcome& trial = outcome.trials[i];
        Row row{.intervention = clean_line(experiment.trials[i].description),
                .growth = "-",
                .effect = effect_text(trial.effect),
                .paint = paint_of(trial.effect)};
        if (trial.growth) {
            row.growth = growth_text(trial.growth->value);
            row.interval = fmt::format(
                "{} to {}", growth_text(trial.growth->low), growth_text(trial.growth->high));
        }
        if (i == 0) {
            row.effect = outcome.grows ? "grows" : "does not grow";
        } else if (!outcome.grows && trial.effect == Effect::kUnclear) {
            row.effect.clear();
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string table_of(const std::vector<Row>& rows, GrowthUnit unit, const TextStyle& style) {
    const Row heading{.intervention = "INTERVENTION",
                      .growth = unit == GrowthUnit::kLoop ? "GROWTH A LOOP" : "GROWTH A SECOND",
                      .interval = "95 % INTERVAL",
                      .effect = "EFFECT"};
    const auto width_of = [&](std::string Row::*cell) {
        int width = text_columns(heading.*cell);
        for (const Row& row : rows) {
            width = std::max(width, text_columns(row.*cell));
        }
        return width;
    };
    const int intervention = width_of(&Row::intervention);
    const int growth = width_of(&Row::growth);
    const int interval = width_of(&Row::interval);
    const auto line_of = [&](const Row& row) {
        return fmt::format("{}{}{}{}{}{}{}",
                           kIndent,
                           left_aligned(row.intervention, intervention),
                           kGap,
                           right_aligned(row.growth, growth),
                           kGap,
                           left_aligned(row.interval, interval),
                           kGap);
    };
    std::string text = painted(style, Paint::kStrong, line_of(heading) + heading.effect) + '\n';
    for (const Row& row : rows) {
        std::string line = line_of(row);
        if (row.effect.empty()) {
            line.erase(line.find_last_not_of(' ') + 1);
        }
        text += line + painted(style, row.paint, row.effect) + '\n';
    }
    return text;
}

// What the reader must know of single trials: why they were not run, and statements that failed.
std::vector<std::string> notes_of(const Experiment& experiment) {
    std::vector<std::string> notes;
    for (const Trial& trial : experiment.trials) {
        if (trial.not_run) {
            const std::string note = fmt::format("Not tried: {}.", clean_line(*trial.not_run));
            if (std::ranges::find(notes, note) == notes.end()) {
                notes.push_back(note);
            }
        } else if (trial.errors > 0) {
            notes.push_back(fmt::format("{}: {} of its statements failed.",
                                        clean_line(trial.description),
                                        count_text(trial.errors)));
        }
    }
    return notes;
}

std::string_view memory_name(GrowingMemory memory) {
    return memory == GrowingMemory::kUsedBytes ? "used bytes of the memory contexts"
                                               : "anonymous memory (RssAnon)";
}

}  // namespace

std::string experiment_text(const Experiment& experiment,
                            const ExperimentOutcome& outcome,
                            const TextStyle& style) {
    const int width =
        style.width == 0 ? kDefaultWidth : std::clamp(style.width, kNarrowest, kDefaultWidth);
    const Trial& without = experiment.trials.front();
    std::string text =
        painted(style, Paint::kStrong, "EXPERIMENT") +
        fmt::format("  {} on PostgreSQL {}\n",
                    clean_line(experiment.workload),
                    server_version_text(experiment.server_version_num)) +
        wrapped_text(
            fmt::format("{} of {:.0f} s, each in a fresh server. What grows is the {} of all "
                        "client backends together.",
                        counted(std::ssize(experiment.trials), "trial"),
                        without.seconds,
                        memory_name(outcome.judged_on)),
            kIndent,
            width,
            style) +
        '\n' + table_of(rows_of(experiment, outcome), experiment.unit, style);
    std::vector<std::string> sentences = outcome.conclusions;
    if (!outcome.grows) {
        sentences.emplace_back(
            "The workload does not grow by itself, as far as such a trial can show, so no "
            "intervention can stop it: run it for longer (--duration), or give it more to do; one "
            "that uses up what it reads, slower (-- --rate 25).");
    }
    for (const std::vector<std::string>& paragraph : {sentences, notes_of(experiment)}) {
        if (!paragraph.empty()) {
            text += '\n';
        }
        for (const std::string& sentence : paragraph) {
            text += wrapped_text(sentence, kPoint, width, style);
        }
    }
    return text;
}

}  // namespace palloscope
