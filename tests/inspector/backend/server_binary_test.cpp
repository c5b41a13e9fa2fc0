#include "inspector/backend/server_binary.hpp"

#include <unistd.h>

#include <gtest/gtest.h>

#include "attach/proc.hpp"

namespace palloscope {
namespace {

TEST(ServerBinary, ReadsVersionsOfEveryForm) {
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
              150018);
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) 9.4.26\n"), 90426);
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) 10.23\n"), 100023);
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) 19rc1\n"), 190000);
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) 19devel\n"), 190000);
    EXPECT_EQ(server_version_num_from("postgres (PostgreSQL) devel\n"), std::nullopt);
}

TEST(ServerBinary, RefusesAProgramThatIsNoServer) {
    const auto binary = ServerBinary::of_process(getpid());
    ASSERT_FALSE(binary);
    EXPECT_EQ(binary.error().kind, Error::Kind::kGone);
    EXPECT_NE(binary.error().message.find("is no PostgreSQL process"), std::string::npos);
}

}  // namespace
}  // namespace palloscope
