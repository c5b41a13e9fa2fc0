#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {

inline std::vector<std::string> ids(const std::vector<Cause>& causes) {
    std::vector<std::string> ids;
    for (const Cause& cause : causes) {
        ids.push_back(cause.id);
    }
    return ids;
}

// The ids of the causes found, the largest first.
inline std::vector<std::string> causes_of(const SyntheticBackend& backend) {
    return ids(diagnose(backend.history()).backends[0].causes);
}

// Where there is but one, as is expected.
inline Cause only_cause(const SyntheticBackend& backend) {
    const BackendDiagnosis diagnosis = diagnose(backend.history()).backends[0];
    EXPECT_EQ(diagnosis.causes.size(), 1U) << testing::PrintToString(ids(diagnosis.causes));
    return diagnosis.causes.empty() ? Cause{} : diagnosis.causes[0];
}

}  // namespace palloscope
