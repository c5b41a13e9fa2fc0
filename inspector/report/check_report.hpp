#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// What `palloscope check` found out about one process.
struct CheckedProcess {
    struct Finding {
        std::string message;
        std::string hint;
    };

    int pid = 0;
    int server_version_num = 0;  // 0 where it could not be read
    std::optional<ProcessInfo> info;
    std::vector<Finding> obstacles;
    // Of the snapshot that proved the method, where it was taken …
    double pause_us = 0;
    std::size_t contexts = 0;
    // … else why it was not.
    std::optional<Error> failure;
};

[[nodiscard]] std::string check_text(const std::vector<CheckedProcess>& processes,
                                     const TextStyle& style);

// One JSON array of objects.
[[nodiscard]] std::string check_json(const std::vector<CheckedProcess>& processes);

}  // namespace palloscope
