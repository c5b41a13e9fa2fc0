#include "inspector/experiment/text_file.hpp"

#include <gtest/gtest.h>

#include "inspector/experiment/temporary_folder.hpp"

namespace palloscope {
namespace {

TEST(TextFile, GivesTheLastLineThatHoldsText) {
    EXPECT_EQ(last_line("one\ntwo\n\n"), "two");
    EXPECT_EQ(last_line("1 loops\r2 loops\r"), "2 loops");
    EXPECT_EQ(last_line(" \n"), "");
    EXPECT_EQ(last_line(std::string(1000, 'x')).size(), 300U);
}

TEST(TextFile, IsReadableByItsOwnerAloneAndNeverOverwritesOne) {
    const auto folder = TemporaryFolder::make(std::nullopt);
    ASSERT_TRUE(folder) << folder.error().message;
    const std::filesystem::path path = *folder / "password";
    ASSERT_TRUE(write_text_file(path, "secret", std::nullopt));
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(write_text_file(path, "other", std::nullopt));
    EXPECT_EQ(end_of_file(path), "secret");
}

}  // namespace
}  // namespace palloscope
