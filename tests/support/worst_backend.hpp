#pragma once

#include <nlohmann/json.hpp>

namespace palloscope::test {

// The backend of a report whose causes are largest; null where it has no backend. A recording of a
// control has none with any. Others may seem to leak: a session that ends before its caches are
// warm has grown from its first snapshot to its last.
[[nodiscard]] inline nlohmann::json worst_backend(const nlohmann::json& report) {
    nlohmann::json worst;
    double most = -1;
    for (const nlohmann::json& backend : report["backends"]) {
        double bytes = 0;
        for (const nlohmann::json& cause : backend["causes"]) {
            bytes += cause["bytes"].get<double>();
        }
        if (bytes > most) {
            most = bytes;
            worst = backend;
        }
    }
    return worst;
}

}  // namespace palloscope::test
