#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "inspector/model/snapshot.hpp"
#include "inspector/recording/writer.hpp"

namespace palloscope {

// A folder of its own for each test, and small things to record.
class RecordingTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name =
            (std::filesystem::temp_directory_path() / "recording-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }

    void TearDown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    [[nodiscard]] std::string path(std::string_view name = "rec.palloscope") const {
        return (folder_ / name).string();
    }

    [[nodiscard]] RecordingWriter writer(std::string_view source = "none") const {
        Result<RecordingWriter> made =
            RecordingWriter::create(path(), ExistingFile::kReplace, source);
        EXPECT_TRUE(made) << made.error().message;
        return *std::move(made);
    }

    // All bytes of the recording and of what stands beside it.
    [[nodiscard]] std::string bytes_on_disk() const {
        std::string bytes;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            std::ifstream file(entry.path(), std::ios::binary);
            bytes.append(std::istreambuf_iterator<char>(file), {});
        }
        return bytes;
    }

    std::filesystem::path folder_;
};

inline constexpr std::int64_t kSecond = 1'000'000'000;
// 2026-11-23T09:00:00Z
inline constexpr std::int64_t kStart = 1'795'424'400 * kSecond;

inline ContextFigures figures(std::int64_t total, std::int64_t free = 0) {
    return {.total_bytes = total,
            .total_nblocks = 1,
            .free_bytes = free,
            .free_chunks = free > 0 ? 1 : 0,
            .used_bytes = total - free};
}

// TopMemoryContext with a CacheMemoryContext of `relations` "index info" contexts, the youngest
// first.
inline Snapshot snapshot_with(int pid, int number, int relations) {
    Snapshot snapshot{.taken_at_ns = kStart + number * kSecond,
                      .method = Method::kCall,
                      .pause_us = 400.5 + number,
                      .server_version_num = 150018,
                      .process = {.pid = pid,
                                  .backend_type = "client backend",
                                  .database = "postgres",
                                  .user = "app",
                                  .application_name = "puma",
                                  .state = "idle",
                                  .rss_anon_bytes = 26'740'000 + number}};
    std::vector<MemoryContext>& contexts = snapshot.tree.contexts;
    contexts.push_back({.name = "TopMemoryContext", .figures = figures(97'664, 12'400)});
    contexts.push_back({.name = "CacheMemoryContext",
                        .parent = 0,
                        .level = 2,
                        .figures = figures(524'288 + 1'000 * number)});
    for (int i = relations; i > 0; --i) {
        contexts.push_back({.name = "index info",
                            .ident = "index_" + std::to_string(i),
                            .parent = 1,
                            .level = 3,
                            .figures = figures(2'048, 500)});
    }
    contexts.push_back({.name = "ErrorContext",
                        .type = ContextType::kGeneration,
                        .parent = 0,
                        .level = 2,
                        .figures = figures(8'192, 7'928)});
    return snapshot;
}

}  // namespace palloscope
