#include "inspector/report/check_report.hpp"

#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"

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

void add_finding(std::string& text,
                 std::string_view mark,
                 std::string_view message,
                 std::string_view hint) {
    text += fmt::format("  {} {}\n", mark, clean_line(message));
    if (!hint.empty()) {
        text += fmt::format("      {}\n", clean_line(hint));
    }
}

}  // namespace

std::string check_text(const std::vector<CheckedProcess>& processes, const TextStyle& style) {
    std::string text;
    for (const CheckedProcess& process : processes) {
        text += heading(process, style);
        for (const CheckedProcess::Finding& obstacle : process.obstacles) {
            add_finding(text, painted(style, Paint::kGrew, "!"), obstacle.message, obstacle.hint);
        }
        if (process.failure) {
            add_finding(text,
                        painted(style, Paint::kGrew, "call: no "),
                        process.failure->message,
                        process.failure->hint);
        } else {
            add_finding(
                text,
                painted(style, Paint::kShrank, "call: yes"),
                fmt::format(
                    "{} contexts, pause {}", process.contexts, duration_text(process.pause_us)),
                "");
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
        Json method{{"method", "call"}, {"works", !process.failure.has_value()}};
        if (process.failure) {
            method["reason"] = json_text(process.failure->message);
            method["remedy"] = json_text(process.failure->hint);
        } else {
            method["contexts"] = process.contexts;
            method["pause_us"] = process.pause_us;
        }
        list.push_back(
            {{"pid", process.pid},
             {"server_version_num",
              process.server_version_num != 0 ? Json(process.server_version_num) : Json(nullptr)},
             {"obstacles", std::move(obstacles)},
             {"methods", Json::array({std::move(method)})}});
    }
    return list.dump();
}

}  // namespace palloscope
