#include "attach/memory_headroom.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {

namespace {

constexpr auto kV1 = CgroupVersion::kV1;
constexpr auto kV2 = CgroupVersion::kV2;

// A tree of groups as the kernel shows it, in a folder of ours.
class MemoryLimits : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(top_); }

    void TearDown() override { std::filesystem::remove_all(top_); }

    void write(const std::string& path, const std::string& text) {
        std::filesystem::create_directories((top_ / path).parent_path());
        std::ofstream(top_ / path) << text;
    }

    [[nodiscard]] std::uint64_t group_id(const std::string& path) const {
        struct stat folder {};

        EXPECT_EQ(stat((top_ / path).c_str(), &folder), 0);
        return folder.st_ino;
    }

    const std::filesystem::path top_ =
        std::filesystem::temp_directory_path() / ("cgroups-" + std::to_string(getpid()));
};

}  // namespace

TEST(ParseMeminfo, ReadsWhatItKnows) {
    const auto memory = parse_meminfo(
        "MemTotal:       24683352 kB\nMemAvailable:   100 kB\nCommitLimit:    50 kB\n"
        "Committed_AS:   20 kB\nHugePages_Total:       0\n");
    EXPECT_EQ(memory.available_bytes, 102400);
    EXPECT_EQ(memory.commit_limit_bytes, 51200);
    EXPECT_EQ(memory.committed_bytes, 20480);
    EXPECT_EQ(parse_meminfo("MemFree: 1 kB\n").available_bytes, std::nullopt);
}

TEST(ParseCgroupPaths, FindsTheMemoryControllerOfEitherVersion) {
    EXPECT_THAT(parse_cgroup_paths("0::/system.slice/a:b.service\n"),
                testing::ElementsAre(CgroupPath{kV2, "/system.slice/a:b.service"}));
    EXPECT_THAT(
        parse_cgroup_paths("9:name=systemd:/\n5:cpu,cpuacct:/c\n4:hugetlb,memory:/m\n0::/u"),
        testing::ElementsAre(CgroupPath{kV1, "/m"}, CgroupPath{kV2, "/u"}));
}

TEST(ParseCgroupPaths, SkipsWhatIsNone) {
    EXPECT_THAT(parse_cgroup_paths("\n:\n0:\n4:memory\n4:memory_not:/\n1::/x\n"),
                testing::IsEmpty());
}

TEST(ParseCgroupMounts, FindsWhereMemoryMayBeLimited) {
    EXPECT_THAT(
        parse_cgroup_mounts(
            "30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
            "31 30 0:28 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n"
            "34 30 0:31 /docker/1a /sys/fs/cgroup/memory rw shared:9 master:2 - cgroup cgroup "
            "rw,memory\n"
            "40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"),
        testing::ElementsAre(CgroupMount{kV1, "/docker/1a", "/sys/fs/cgroup/memory"},
                             CgroupMount{kV2, "/", "/sys/fs/cgroup/unified"}));
    EXPECT_THAT(parse_cgroup_mounts("\n1 2 3\n - \n1 2 3 4 5 - cgroup\n"), testing::IsEmpty());
}

TEST(PathInMount, IsTheGroupBelowTheMountsOwnOne) {
    const CgroupMount whole{kV2, "/", "/sys/fs/cgroup"};
    EXPECT_EQ(path_in_mount({kV2, "/"}, whole), "");
    EXPECT_EQ(path_in_mount({kV2, "/a/b"}, whole), "/a/b");
    const CgroupMount part{kV1, "/docker/1a", "/sys/fs/cgroup/memory"};
    EXPECT_EQ(path_in_mount({kV1, "/docker/1a"}, part), "");
    EXPECT_EQ(path_in_mount({kV1, "/docker/1a/b"}, part), "/b");
}

TEST(PathInMount, IsNoneWhereTheMountDoesNotShowTheGroup) {
    const CgroupMount part{kV1, "/docker/1a", "/sys/fs/cgroup/memory"};
    EXPECT_EQ(path_in_mount({kV1, "/docker/1ab"}, part), std::nullopt);
    EXPECT_EQ(path_in_mount({kV1, "/"}, part), std::nullopt);
    EXPECT_EQ(path_in_mount({kV2, "/docker/1a"}, part), std::nullopt) << "the other version's";
    EXPECT_EQ(path_in_mount({kV2, "/../other"}, {kV2, "/", "/sys/fs/cgroup"}), std::nullopt)
        << "outside of our cgroup namespace";
}

TEST(PathInMount, ReachesOutOfOurCgroupNamespaceWhereTheMountLiesThereToo) {
    const CgroupMount theirs{kV2, "/../server.scope", "/sys/fs/cgroup"};
    EXPECT_EQ(path_in_mount({kV2, "/../server.scope"}, theirs), "");
    EXPECT_EQ(path_in_mount({kV2, "/../server.scope/a"}, theirs), "/a");
    EXPECT_EQ(path_in_mount({kV2, "/../server.scope/../other"}, theirs), std::nullopt);
}

TEST(ParseCgroupBytes, TellsNumbersFromNoLimit) {
    EXPECT_EQ(parse_cgroup_bytes("536870912\n"), 536870912);
    EXPECT_EQ(parse_cgroup_bytes("0\n"), 0);
    EXPECT_EQ(parse_cgroup_bytes("max\n"), std::nullopt);
    EXPECT_EQ(parse_cgroup_bytes("9223372036854771712\n"), std::nullopt);
    EXPECT_EQ(parse_cgroup_bytes(""), std::nullopt);
}

TEST(ParseReclaimable, TakesTheFilePagesThatNobodyUses) {
    const std::string text =
        "inactive_file 100\nactive_file 7\ntotal_inactive_file 300\ntotal_active_file 9\n";
    EXPECT_EQ(parse_reclaimable(text, kV2), 100);
    EXPECT_EQ(parse_reclaimable(text, kV1), 300);
    EXPECT_EQ(parse_reclaimable("inactive_file\nanon 4\n", kV2), 0);
}

TEST_F(MemoryLimits, AreThoseOfTheGroupAndOfAllAboveIt) {
    write("memory.current", "1\n");  // the root group of v2 has no limit
    write("a/memory.max", "1000\n");
    write("a/memory.current", "900\n");
    write("a/memory.stat", "anon 500\ninactive_file 300\n");
    write("a/b/memory.max", "max\n");
    write("a/b/memory.current", "800\n");
    write("a/b/c/memory.max", "2000\n");
    write("a/b/c/memory.current", "700\n");
    EXPECT_THAT(read_memory_limits(top_, "/a/b/c", kV2),
                testing::ElementsAre(MemoryLimit{2000, 700, 0, group_id("a/b/c")},
                                     MemoryLimit{1000, 900, 300, group_id("a")}));
    EXPECT_THAT(read_memory_limits(top_, "", kV2), testing::IsEmpty());
    EXPECT_THAT(read_memory_limits(top_, "/not/there", kV2), testing::IsEmpty());
    EXPECT_THAT(read_memory_limits(top_, "/a", kV1), testing::IsEmpty());
}

TEST_F(MemoryLimits, AreNamedDifferentlyInTheFirstVersion) {
    write("memory.limit_in_bytes", "9223372036854771712\n");
    write("memory.usage_in_bytes", "5000\n");
    write("a/memory.limit_in_bytes", "1000\n");
    write("a/memory.usage_in_bytes", "600\n");
    write("a/memory.stat", "inactive_file 1\ntotal_inactive_file 50\n");
    EXPECT_THAT(read_memory_limits(top_, "/a", kV1),
                testing::ElementsAre(MemoryLimit{1000, 600, 50, group_id("a")}));
}

TEST(MemoryHeadroom, IsTheLeastThatIsKnown) {
    EXPECT_EQ(MemoryHeadroom{}.left_bytes(), INT64_MAX);
    EXPECT_EQ(MemoryHeadroom{.available_bytes = 500}.left_bytes(), 500);
    EXPECT_EQ(
        (MemoryHeadroom{.available_bytes = 500, .limit = MemoryLimit{1000, 900, 300}}).left_bytes(),
        400);
    EXPECT_EQ(
        (MemoryHeadroom{.available_bytes = 300, .limit = MemoryLimit{1000, 900, 300}}).left_bytes(),
        300);
}

TEST(MemoryHeadroom, IsReadOfOurselves) {
    const auto headroom = read_memory_headroom(getpid());
    ASSERT_TRUE(headroom);
    EXPECT_GT(headroom->available_bytes, 0);
    EXPECT_GT(headroom->left_bytes(), 0);
    EXPECT_EQ(read_memory_headroom(INT32_MAX).error().kind, Error::Kind::kGone);
}

}  // namespace palloscope
