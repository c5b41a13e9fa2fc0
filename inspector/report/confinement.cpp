#include "inspector/report/confinement.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace palloscope {

std::string container_text(const Container& container) {
    return container.engine.empty() ? std::string(container.short_id())
                                    : fmt::format("{}:{}", container.engine, container.short_id());
}

void add_confinement(nlohmann::ordered_json& object, const Confinement& confinement) {
    using Json = nlohmann::ordered_json;
    const auto& [pid, container, limit] = confinement;
    object["namespace_pid"] = pid ? Json(*pid) : Json(nullptr);
    object["container"] =
        container
            ? Json{{"engine", container->engine.empty() ? Json(nullptr) : Json(container->engine)},
                   {"id", container->id}}
            : Json(nullptr);
    object["memory_limit"] = limit ? Json{{"limit_bytes", limit->limit_bytes},
                                          {"usage_bytes", limit->usage_bytes},
                                          {"left_bytes", limit->left_bytes()}}
                                   : Json(nullptr);
}

}  // namespace palloscope
