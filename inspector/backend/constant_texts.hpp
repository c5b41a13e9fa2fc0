#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// Constant texts of a process, read once: since 11 the names of memory contexts are string literals
// of the server or of an extension.
class ConstantTexts {
  public:
    // `source` must outlive it.
    ConstantTexts(pid_t pid, const MemorySource& source) : pid_(pid), source_(&source) {}

    // Of memory in which nothing changes any more, such as that of a core file: each text in it is
    // constant.
    explicit ConstantTexts(const MemorySource& source) : source_(&source) {}

    // The text at `address`, valid as long as this object; null where that is in no file that is
    // mapped for reading only, so that the text may change.
    [[nodiscard]] const std::string* find(RemoteAddress address);

  private:
    void read_mappings(pid_t pid);
    [[nodiscard]] bool is_constant(RemoteAddress address) const;

    std::optional<pid_t> pid_;
    const MemorySource* source_;
    std::vector<std::pair<RemoteAddress, RemoteAddress>> constant_;  // from, to
    std::chrono::steady_clock::time_point mapped_at_;                // when these were read
    std::unordered_map<std::uint64_t, std::string> texts_;
};

}  // namespace palloscope
