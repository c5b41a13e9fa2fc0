#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// All that a journal or a log has to tell for now; what fails fails the test.
template <typename Reader>
std::vector<Execution> poll_all(Reader& reader) {
    std::vector<Execution> all;
    for (;;) {
        Result<std::vector<Execution>> batch = reader.poll();
        EXPECT_TRUE(batch) << batch.error().message;
        if (!batch || batch->empty()) {
            return all;
        }
        all.insert(all.end(), batch->begin(), batch->end());
    }
}

}  // namespace palloscope
