#include "inspector/report/check_report.hpp"

#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/confinement.hpp"
#include "inspector/report/size_text.hpp"

namespace palloscope {

namespace {

std::string heading(const CheckedProcess& process, const TextStyle& style) {
    std::string text = painted(style, Paint::kStrong, fmt::format("process {}", process.pid));
    if (process.server_version_num != 0) {
        text += fmt::format("  PostgreSQL {}", server_version_text(process.server_version_num));
    }
    if (process.info) {
        text += "  " + clean_line(process.info->backend_type);
        for (const auto& fact : {process.info->user, process.info->database, process.info->state}) {
            text += fact ? "  " + clean_line(*fact) : "";
        }
    }
    return text + '\n';
}

// Empty where nothing shuts it in.
std::string confinement_lines(const Confinement& confinement) {
    std::string text;
    if (confinement.container) {
        text += fmt::format("  in the container {}\n", container_text(*confinement.container));
    }
    if (confinement.namespace_pid) {
        text += fmt::format("  PID {} in its own namespace\n", *confinement.namespace_pid);
    }
    if (const auto& limit = confinement.memory_limit) {
        text += fmt::format("  memory limit {}, of which {} are left\n",
                            size_text(limit->limit_bytes),
                            size_text(limit->left_bytes()));
    }
    return text;
}

void add_finding(std::string& text,
                 std::string_view mark,
                 std::string_view message,
                 std::string_view hint) {
    text += fmt::format("  {} {}\n", mark, clean_line(message));
    if (!hint.empty()) {
        text += fmt::format("      {}\n", clean_line(hint));
    }
}

void add_trial(std::string& text, const CheckedProcess::Trial& trial, const TextStyle& style) {
    const std::string name = fmt::format("{:<8}", fmt::format("{}:", to_string(trial.method)));
    if (trial.failure) {
        add_finding(text,
                    name + painted(style, Paint::kGrew, "no "),
                    trial.failure->message,
                    trial.failure->hint);
    } else {
        add_finding(
            text,
            name + painted(style, Paint::kShrank, "yes"),
            fmt::format("{} contexts, pause {}", trial.contexts, duration_text(trial.pause_us)),
            "");
    }
}

}  // namespace

std::string check_text(const std::vector<CheckedProcess>& processes, const TextStyle& style) {
    std::string text;
    for (const CheckedProcess& process : processes) {
        text += heading(process, style) + confinement_lines(process.confinement);
        for (const CheckedProcess::Finding& obstacle : process.obstacles) {
            add_finding(text, painted(style, Paint::kGrew, "!"), obstacle.message, obstacle.hint);
        }
        if (process.failure) {
            add_finding(text,
                        painted(style, Paint::kGrew, "!"),
                        process.failure->message,
                        process.failure->hint);
        }
        for (const CheckedProcess::Trial& trial : process.trials) {
            add_trial(text, trial, style);
        }
        if (process.automatic) {
            text += fmt::format("  auto takes {}\n", to_string(*process.automatic));
        }
    }
    return text;
}

std::string check_json(const std::vector<CheckedProcess>& processes) {
    using Json = nlohmann::ordered_json;
    Json list = Json::array();
    for (const CheckedProcess& process : processes) {
        Json obstacles = Json::array();
        for (const CheckedProcess::Finding& obstacle : process.obstacles) {
            obstacles.push_back(
                {{"message", json_text(obstacle.message)}, {"remedy", json_text(obstacle.hint)}});
        }
        Json methods = Json::array();
        for (const CheckedProcess::Trial& trial : process.trials) {
            Json method{{"method", to_string(trial.method)}, {"works", !trial.failure.has_value()}};
            if (trial.failure) {
                method["reason"] = json_text(trial.failure->message);
                method["remedy"] = json_text(trial.failure->hint);
            } else {
                method["contexts"] = trial.contexts;
                method["pause_us"] = trial.pause_us;
            }
            methods.push_back(std::move(method));
        }
        Json checked{
            {"pid", process.pid},
            {"server_version_num",
             process.server_version_num != 0 ? Json(process.server_version_num) : Json(nullptr)},
            {"obstacles", std::move(obstacles)},
            {"methods", std::move(methods)},
            {"auto", process.automatic ? Json(to_string(*process.automatic)) : Json(nullptr)},
            {"failure",
             process.failure ? Json{{"message", json_text(process.failure->message)},
                                    {"remedy", json_text(process.failure->hint)}}
                             : Json(nullptr)}};
        add_confinement(checked, process.confinement);
        list.push_back(std::move(checked));
    }
    return list.dump();
}

}  // namespace palloscope
