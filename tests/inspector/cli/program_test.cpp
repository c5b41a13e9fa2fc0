// What the command line refuses before anything is started.

#include "inspector/cli/program.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::HasSubstr;

TEST(ExperimentOptions, RefuseToCountTheRequestsOfACommand) {
    // Where they are taken, there is no server to start.
    constexpr std::array kArguments{
        "palloscope", "experiment", "--server-programs", "/nowhere", "--every", "5", "--", "true"};
    testing::internal::CaptureStderr();
    const int exit_code = run_program(static_cast<int>(kArguments.size()), kArguments.data());
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("--every requires --scenario"));
    EXPECT_EQ(exit_code, 2);
}

}  // namespace
}  // namespace palloscope
