#include "attach/elf_image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "attach/dwarf_types.hpp"
#include "attach/proc.hpp"
#include "tests/support/program.hpp"

// Found by their names in this very program.
extern "C" {
void palloscope_test_function();
extern const int palloscope_test_object;

void palloscope_test_function() {}

const int palloscope_test_object = 4711;
}

namespace palloscope {

namespace {

const char* const kConstantText = "palloscope-constant-text 1.2.3";

std::string target_path(const std::string& name) {
    return PALLOSCOPE_BINARY_DIR "/tests/attach/targets/" + name;
}

std::string contents_of(const std::string& path) {
    std::ostringstream contents;
    contents << std::ifstream(path, std::ios::binary).rdbuf();
    return contents.str();
}

FileDescriptor file_of(std::string_view contents) {
    FileDescriptor file(memfd_create("elf", MFD_CLOEXEC));
    EXPECT_EQ(write(file.get(), contents.data(), contents.size()),
              static_cast<ssize_t>(contents.size()));
    return file;
}

ElfImage own_image() {
    return ElfImage::open(open_executable(getpid()).value()).value();
}

// Everything that is read from such a file; it may say no, and must not crash.
void read_everything(std::string_view contents) {
    if (const auto image = ElfImage::open(file_of(contents))) {
        (void)image->build_id();
        (void)image->debug_link();
        (void)image->find_symbol("main");
        (void)image->find_constant_text("usage");
        (void)image->load_bias(getpid());
    }
    if (const auto types = DwarfTypes::open(file_of(contents))) {
        (void)types->struct_layout("Everything");
        (void)types->struct_layout("no such struct");
    }
}

}  // namespace

TEST(ElfImage, FindsFunctionsAndObjectsWhereTheyAreLoaded) {
    const ElfImage image = own_image();
    const auto bias = image.load_bias(getpid());
    ASSERT_TRUE(bias) << bias.error().message;
    const auto function = image.find_symbol("palloscope_test_function");
    ASSERT_TRUE(function);
    EXPECT_EQ(function->address + *bias, std::bit_cast<std::uint64_t>(&palloscope_test_function));
    const auto object = image.find_symbol("palloscope_test_object");
    ASSERT_TRUE(object);
    EXPECT_EQ(object->address + *bias, std::bit_cast<std::uint64_t>(&palloscope_test_object));
    EXPECT_EQ(object->size, sizeof palloscope_test_object);
}

TEST(ElfImage, KnowsNoSymbolThatIsOnlyUsed) {
    const ElfImage image = own_image();
    EXPECT_FALSE(image.find_symbol("no such symbol"));
    EXPECT_FALSE(image.find_symbol(""));
    EXPECT_FALSE(image.find_symbol("process_vm_readv")) << "the C library defines it";
}

TEST(ElfImage, GivesTheBuildIdThatReadelfPrints) {
    const std::string path = target_path("structs_separate");
    const auto printed = test::run_program({"readelf", "-n", path});
    const auto image =
        ElfImage::open(FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC))).value();
    EXPECT_EQ(image.build_id().size(), 40U);
    EXPECT_NE(printed.out.find("Build ID: " + image.build_id()), std::string::npos);
    const auto link = image.debug_link();
    ASSERT_TRUE(link);
    EXPECT_EQ(link->file_name, "structs_separate.debug");
    EXPECT_FALSE(own_image().debug_link());
}

TEST(ElfImage, FindsConstantTextByItsBeginning) {
    ASSERT_NE(kConstantText, nullptr);
    // Put together, so that the file holds the text once.
    const std::string prefix = std::string("palloscope-constant") + "-text";
    EXPECT_EQ(own_image().find_constant_text(prefix), kConstantText);
    EXPECT_FALSE(own_image().find_constant_text(prefix + " 9"));
}

TEST(ElfImage, RefusesWhatIsNoProgramForThisProcessor) {
    EXPECT_EQ(ElfImage::open(file_of("")).error().kind, Error::Kind::kUnsupported);
    EXPECT_EQ(ElfImage::open(file_of("#!/bin/sh\n")).error().kind, Error::Kind::kUnsupported);
    EXPECT_EQ(ElfImage::open(FileDescriptor()).error().kind, Error::Kind::kUnsupported);
    std::string contents = contents_of(target_path("ticks"));
    constexpr std::size_t kMachineAt = 18;
    contents[kMachineAt] = static_cast<char>(183);  // AArch64
    const auto image = ElfImage::open(file_of(contents));
    ASSERT_FALSE(image);
    EXPECT_NE(image.error().message.find("183"), std::string::npos);
}

TEST(ElfImage, SurvivesFilesThatAreCutOff) {
    const std::string contents = contents_of(target_path("structs_dwarf5"));
    constexpr std::size_t kCuts = 200;
    for (std::size_t i = 0; i < kCuts; ++i) {
        read_everything(std::string_view(contents).substr(0, contents.size() * i / kCuts));
    }
}

TEST(ElfImage, SurvivesFilesWithWrongBytes) {
    const std::string contents = contents_of(target_path("structs_dwarf5"));
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same files each time
    std::uniform_int_distribution<int> byte(0, 255);
    for (int i = 0; i < 500; ++i) {
        std::string broken = contents;
        // Half of them in the headers, where a byte does most.
        std::uniform_int_distribution<std::size_t> place(0, i % 2 == 0 ? 1024 : broken.size() - 1);
        for (int j = 0; j < 20; ++j) {
            broken[place(random)] = static_cast<char>(byte(random));
        }
        read_everything(broken);
    }
}

}  // namespace palloscope
