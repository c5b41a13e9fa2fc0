#include "inspector/backend/constant_texts.hpp"

#include <algorithm>
#include <cstddef>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

// Names of contexts are shorter, by far.
constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::chrono::milliseconds kMappingsLast{100};

}  // namespace

const std::string* ConstantTexts::find(RemoteAddress address) {
    if (const auto known = texts_.find(address.value); known != texts_.end()) {
        return &known->second;
    }
    if (pid_ && !is_constant(address)) {
        read_mappings(*pid_);
        if (!is_constant(address)) {
            return nullptr;
        }
    }
    auto text = source_->read_string(address, kMaxTextBytes);
    return text ? &texts_.emplace(address.value, std::move(*text)).first->second : nullptr;
}

void ConstantTexts::read_mappings(pid_t pid) {
    // An extension may have been loaded since; but pointers may be garbage, too.
    const auto now = std::chrono::steady_clock::now();
    if (now - mapped_at_ < kMappingsLast) {
        return;
    }
    mapped_at_ = now;
    constant_.clear();
    for (const Mapping& mapping : read_maps(pid).value_or(std::vector<Mapping>{})) {
        if (mapping.readable && !mapping.writable && mapping.inode != 0) {
            constant_.emplace_back(mapping.start, mapping.end);
        }
    }
}

bool ConstantTexts::is_constant(RemoteAddress address) const {
    return std::ranges::any_of(constant_, [&](const auto& range) {
        return address >= range.first && address < range.second;
    });
}

}  // namespace palloscope
