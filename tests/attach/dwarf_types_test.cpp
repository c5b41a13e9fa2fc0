#include "attach/dwarf_types.hpp"

#include <fcntl.h>

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "tests/attach/targets/structs.hpp"
#include "tests/support/program.hpp"

namespace palloscope {

namespace {

std::string target_path(const std::string& name) {
    return PALLOSCOPE_BINARY_DIR "/tests/attach/targets/" + name;
}

FileDescriptor open_target(const std::string& name) {
    return FileDescriptor(open(target_path(name).c_str(), O_RDONLY | O_CLOEXEC));
}

// What the compiler of this test, which is the targets', says itself.
const StructLayout kEverything{
    .size = sizeof(Everything),
    .members = {{"letter", offsetof(Everything, letter), 1},
                {"corners", offsetof(Everything, corners), sizeof(Everything::corners)},
                {"next", offsetof(Everything, next), sizeof(void*)},
                {"number", offsetof(Everything, number), 8},
                {"low", offsetof(Everything, low), 2},
                {"high", offsetof(Everything, high), 2},
                {"alias", offsetof(Everything, alias), sizeof(PointAlias)},
                {"opaque", offsetof(Everything, opaque), sizeof(void*)},
                // Thirteen bits lie before flag_c, so that it begins in the second byte.
                {"flag_a", offsetof(Everything, opaque) + sizeof(void*), sizeof(unsigned)},
                {"flag_b", offsetof(Everything, opaque) + sizeof(void*), sizeof(unsigned)},
                {"flag_c", offsetof(Everything, opaque) + sizeof(void*) + 1, sizeof(unsigned)},
                {"function", offsetof(Everything, function), sizeof(void*)},
                {"tail", offsetof(Everything, tail), 0}}};

void expect_all_structs(const DwarfTypes& types) {
    const auto everything = types.struct_layout("Everything");
    ASSERT_TRUE(everything) << everything.error().message;
    EXPECT_EQ(everything->size, kEverything.size);
    for (const StructMember& member : kEverything.members) {
        const StructMember* const found = everything->find(member.name);
        ASSERT_NE(found, nullptr) << member.name;
        EXPECT_EQ(found->offset, member.offset) << member.name;
        EXPECT_EQ(found->size, member.size) << member.name;
    }
    EXPECT_EQ(everything->members.size(), kEverything.members.size());
    EXPECT_EQ(everything->find("none"), nullptr);

    const std::vector<StructMember> point{{"x", 0, 8}, {"y", 8, 8}};
    for (const char* const name : {"Point", "PointAlias", "ConstantPoint"}) {
        const auto layout = types.struct_layout(name);
        ASSERT_TRUE(layout) << layout.error().message;
        EXPECT_EQ(layout->members, point) << name;
    }
    const auto only = types.struct_layout("OnlyTypedef");
    ASSERT_TRUE(only) << only.error().message;
    EXPECT_EQ(only->size, 4U);

    for (const char* const name : {"Declared", "int", "everything", ""}) {
        const auto layout = types.struct_layout(name);
        ASSERT_FALSE(layout) << name;
        EXPECT_EQ(layout.error().kind, Error::Kind::kUnsupported);
    }
}

Result<DwarfTypes> find_for(const test::Program& program) {
    return open_executable(program.pid())
        .and_then([](FileDescriptor file) { return ElfImage::open(std::move(file)); })
        .and_then([&](const ElfImage& image) { return DwarfTypes::find(program.pid(), image); });
}

}  // namespace

TEST(DwarfTypes, ReadsVersion4) {
    const auto types = DwarfTypes::open(open_target("structs_dwarf4"));
    ASSERT_TRUE(types) << types.error().message;
    expect_all_structs(*types);
}

TEST(DwarfTypes, ReadsVersion5) {
    const auto types = DwarfTypes::open(open_target("structs_dwarf5"));
    ASSERT_TRUE(types) << types.error().message;
    expect_all_structs(*types);
}

TEST(DwarfTypes, FindsDebugInformationInTheProgramItself) {
    test::Program program = test::Program::start({target_path("structs_dwarf5")});
    program.wait_for_output("ready");
    const auto types = find_for(program);
    ASSERT_TRUE(types) << types.error().message;
    expect_all_structs(*types);
}

TEST(DwarfTypes, FindsTheSeparateFileThatTheProgramNames) {
    EXPECT_FALSE(DwarfTypes::open(open_target("structs_separate")));
    test::Program program = test::Program::start({target_path("structs_separate")});
    program.wait_for_output("ready");
    const auto types = find_for(program);
    ASSERT_TRUE(types) << types.error().message;
    expect_all_structs(*types);
}

TEST(DwarfTypes, SaysWhatToInstallWhereThereIsNoDebugInformation) {
    test::Program program = test::Program::start({target_path("structs_stripped")});
    program.wait_for_output("ready");
    const auto types = find_for(program);
    ASSERT_FALSE(types);
    EXPECT_EQ(types.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(types.error().hint, "");
}

TEST(DwarfTypes, NeedsAnElfFile) {
    EXPECT_FALSE(DwarfTypes::open(FileDescriptor(open("/proc/self/status", O_RDONLY | O_CLOEXEC))));
    EXPECT_FALSE(DwarfTypes::open(FileDescriptor()));
}

TEST(DebugFilePaths, AreSearchedFromTheMostSpecificToTheLeast) {
    EXPECT_THAT(debug_file_paths("abcdef", "postgres.debug", "/usr/bin/postgres"),
                testing::ElementsAre("/usr/lib/debug/.build-id/ab/cdef.debug",
                                     "/usr/bin/postgres.debug",
                                     "/usr/bin/.debug/postgres.debug",
                                     "/usr/lib/debug/usr/bin/postgres.debug"));
}

TEST(DebugFilePaths, FollowNoNameThatLeadsElsewhere) {
    EXPECT_THAT(debug_file_paths("abcdef", "../../etc/shadow", "/usr/bin/postgres"),
                testing::ElementsAre("/usr/lib/debug/.build-id/ab/cdef.debug"));
    EXPECT_THAT(debug_file_paths("abcdef", "", "/usr/bin/postgres"), testing::SizeIs(1));
    EXPECT_THAT(debug_file_paths("", "postgres.debug", "/usr/bin/postgres"), testing::IsEmpty());
}

}  // namespace palloscope
