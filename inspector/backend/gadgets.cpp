#include "inspector/backend/gadgets.hpp"

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

Result<CallGadgets> Gadgets::get() {
    if (!found_) {
        const auto mappings = read_maps(backend_->pid());
        if (!mappings) {
            return tl::unexpected(mappings.error());
        }
        auto found = find_call_gadgets(backend_->memory(), *mappings);
        if (!found) {
            // A process that ends gives up its memory before it is a zombie.
            const auto still_mapped = read_maps(backend_->pid());
            if (!still_mapped || still_mapped->empty()) {
                return failure(Error::Kind::kGone,
                               fmt::format("process {} has ended", backend_->pid()));
            }
            return found;
        }
        found_ = *found;
    }
    return *found_;
}

}  // namespace palloscope
