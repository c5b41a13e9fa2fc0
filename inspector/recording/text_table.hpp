#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace palloscope {

// Remembers the ids of texts that are stored once, a bounded number of them.
class TextTable {
  public:
    // `find_or_store` gives the id of a text that is not remembered.
    template <typename FindOrStore>
    std::int64_t id_of(const std::string& text, const FindOrStore& find_or_store) {
        if (const auto found = ids_.find(text); found != ids_.end()) {
            return found->second;
        }
        if (ids_.size() >= kMaxRemembered) {
            ids_.clear();
        }
        return ids_.emplace(text, find_or_store()).first->second;
    }

  private:
    static constexpr std::size_t kMaxRemembered = 50'000;

    std::unordered_map<std::string, std::int64_t> ids_;
};

}  // namespace palloscope
