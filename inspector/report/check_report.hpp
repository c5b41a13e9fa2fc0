#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "attach/confinement.hpp"
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

    // A method is proved by the snapshot that it gave.
    struct Trial {
        Method method = Method::kRead;
        double pause_us = 0;
        std::size_t contexts = 0;
        std::optional<Error> failure;  // why there is none
    };

    int pid = 0;
    int server_version_num = 0;  // 0 where it could not be read
    std::optional<ProcessInfo> info;
    Confinement confinement;
    std::vector<Finding> obstacles;
    std::vector<Trial> trials;
    // What auto took; none where it was not asked, or could not.
    std::optional<Method> automatic;
    // Why none was tried.
    std::optional<Error> failure;
};

[[nodiscard]] std::string check_text(const std::vector<CheckedProcess>& processes,
                                     const TextStyle& style);

// One JSON array of objects.
[[nodiscard]] std::string check_json(const std::vector<CheckedProcess>& processes);

}  // namespace palloscope
