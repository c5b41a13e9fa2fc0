// shared-memory-touch: RSS that grows by pages of the server's shared memory, which the backend
// touches for the first time. All backends share them, and none of them leaks.

#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Below it nobody takes it for a leak.
constexpr double kSmallestGrowth = 8 << 20U;
constexpr double kTimesOwnGrowth = 4;

bool covers(std::string_view path) {
    return path == kSharedMemory;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    if (suspicion.bytes < kSmallestGrowth ||
        suspicion.bytes < kTimesOwnGrowth * suspicion.rss_anon_bytes) {
        return std::nullopt;
    }
    return Finding{
        .title = "RSS grows by shared memory that is touched for the first time",
        .confidence = 0.95,
        .evidence = {fmt::format(
            "RssShmem grew by {}, RssAnon, the process's own memory, by {}: the pages are those of "
            "shared_buffers and the like, which exist once however many backends have touched "
            "them.",
            readable_bytes(suspicion.bytes),
            readable_bytes(suspicion.rss_anon_bytes))},
        .remedies = {
            "Nothing has to be done. It ends at the size of shared memory (shared_buffers and some "
            "more). Watch RssAnon, or Pss in /proc/PID/smaps_rollup, in place of RSS.",
            "With huge_pages = on shared memory does not count as RSS, and its page tables are "
            "small."}};
}

}  // namespace

CauseRule shared_memory_touch_rule() {
    return {.id = "shared-memory-touch", .covers = covers, .explain = explain, .leaks = false};
}

}  // namespace palloscope
