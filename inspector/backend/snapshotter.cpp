#include "inspector/backend/snapshotter.hpp"

#include <utility>

#include "inspector/backend/stats_text.hpp"
#include "inspector/statements/ident.hpp"

namespace palloscope {

Result<Snapshotter> Snapshotter::open(pid_t pid, Literals literals) {
    return Backend::open(pid).map([&](Backend&& backend) {
        return Snapshotter(std::make_unique<Backend>(std::move(backend)), literals);
    });
}

Result<Snapshot> Snapshotter::take(std::chrono::milliseconds timeout) {
    auto called = call_.run(timeout, literals_);
    if (!called) {
        return tl::unexpected(std::move(called.error()));
    }
    auto tree = parse_stats_text(called->text, backend_->server_version_num());
    if (!tree) {
        return tl::unexpected(std::move(tree.error()));
    }
    if (literals_ == Literals::kMasked) {
        for (MemoryContext& context : tree->contexts) {
            if (context.ident) {
                context.ident = mask_ident(context.name, *context.ident);
            }
        }
    }
    return Snapshot{.taken_at_ns = called->taken_at_ns,
                    .method = Method::kCall,
                    .pause_us = called->pause_us,
                    .server_version_num = backend_->server_version_num(),
                    .process = std::move(called->process),
                    .tree = std::move(*tree)};
}

}  // namespace palloscope
