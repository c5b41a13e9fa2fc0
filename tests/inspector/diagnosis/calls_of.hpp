#pragma once

#include <string>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {

// A backend that runs `query` a few times between any two of 60 snapshots, among others that leave
// nothing; `effect(backend)` is what a call leaves behind.
template <typename Effect>
SyntheticBackend calls_of(const std::string& query,
                          const Effect& effect,
                          const std::string& state = "idle") {
    SyntheticBackend backend;
    Dice dice(1);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, query);
            effect(backend);
        }
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.6, "SELECT $1");
        }
        backend.snapshot(i + 1, state);
    }
    return backend;
}

}  // namespace palloscope
