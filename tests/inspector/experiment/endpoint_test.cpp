#include <gtest/gtest.h>

#include "inspector/experiment/throwaway_server.hpp"

namespace palloscope {
namespace {

// A workload may give its databases any name.
TEST(Endpoint, QuotesWhatLibpqWouldTakeForTheEndOfAName) {
    const Endpoint endpoint{.port = 5433, .password = "secret"};
    EXPECT_EQ(
        endpoint.conninfo(R"(Jo's C:\ data)", "palloscope"),
        R"(host=127.0.0.1 port=5433 user=postgres password='secret' dbname='Jo\'s C:\\ data' )"
        "application_name='palloscope'");
}

}  // namespace
}  // namespace palloscope
