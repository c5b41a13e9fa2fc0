#pragma once

#include <optional>

#include "attach/call_chain.hpp"
#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"

namespace palloscope {

// The gadgets of one backend for calls in it: looked for once, when they are needed.
class Gadgets {
  public:
    explicit Gadgets(const Backend& backend) : backend_(&backend) {}

    // kUnsupported where its C library is not known, kGone where it has ended.
    [[nodiscard]] Result<CallGadgets> get();

  private:
    const Backend* backend_;
    std::optional<CallGadgets> found_;
};

}  // namespace palloscope
