#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace palloscope {

// The bytes of tests/golden/NAME.
inline std::string golden_file(const std::string& name) {
    const std::filesystem::path path =
        std::filesystem::path(PALLOSCOPE_SOURCE_DIR) / "tests" / "golden" / name;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot open the golden file " + path.string());
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

// The output of one server's MemoryContextStats.
struct GoldenStats {
    std::string file;
    int server_version_num = 0;
    std::string text;
};

inline GoldenStats golden_stats(const std::string& file, int server_version_num) {
    return {.file = file,
            .server_version_num = server_version_num,
            .text = golden_file("memory-context-stats/" + file)};
}

// All of tests/golden/memory-context-stats (scripts/update-goldens).
inline std::vector<GoldenStats> all_golden_stats() {
    return {
        golden_stats("9.4.handwritten.txt", 90426),
        golden_stats("9.6.handwritten.txt", 90624),
        golden_stats("10.txt", 100023),
        golden_stats("10.walsender.txt", 100023),
        golden_stats("11.txt", 110022),
        golden_stats("12.txt", 120022),
        golden_stats("13.txt", 130023),
        golden_stats("13.walsender.txt", 130023),
        golden_stats("14.txt", 140023),
        golden_stats("15.txt", 150018),
        golden_stats("16.txt", 160014),
        golden_stats("16.walsender.txt", 160014),
        golden_stats("17.txt", 170010),
        golden_stats("17.walsender.txt", 170010),
        golden_stats("17.allocators.handwritten.txt", 170010),
        golden_stats("18.txt", 180004),
    };
}

}  // namespace palloscope
