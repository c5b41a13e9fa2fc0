#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "attach/remote_address.hpp"
#include "inspector/backend/server_binary.hpp"

namespace palloscope {

// Where the global variables and functions of one process of a server lie.
class ServerGlobals {
  public:
    // `load_bias` as ElfImage::load_bias() has it.
    ServerGlobals(std::shared_ptr<const ServerBinary> binary, std::uint64_t load_bias)
        : binary_(std::move(binary)), load_bias_(load_bias) {}

    // Null where this version has none of that name.
    [[nodiscard]] RemoteAddress address_of(std::string_view symbol) const {
        const auto found = binary_->image().find_symbol(symbol);
        return found ? RemoteAddress{found->address + load_bias_} : RemoteAddress{};
    }

    [[nodiscard]] const ServerBinary& binary() const noexcept { return *binary_; }

  private:
    std::shared_ptr<const ServerBinary> binary_;
    std::uint64_t load_bias_;
};

}  // namespace palloscope
