#include "inspector/backend/backend.hpp"

#include <utility>

#include <fmt/core.h>

namespace palloscope {

Result<Backend> Backend::open(pid_t pid) {
    auto process = Process::open(pid);
    if (!process) {
        return tl::unexpected(std::move(process.error()));
    }
    auto binary = ServerBinary::of_process(pid);
    if (!binary) {
        return tl::unexpected(std::move(binary.error()));
    }
    const auto load_bias = (*binary)->image().load_bias(pid);
    if (!load_bias) {
        return tl::unexpected(load_bias.error());
    }
    auto memory = ProcessMemory::open(pid);
    if (!memory) {
        return tl::unexpected(std::move(memory.error()));
    }
    return Backend(
        std::move(*process), std::move(*memory), ServerGlobals(std::move(*binary), *load_bias));
}

tl::unexpected<Error> closed_file(const Backend& backend,
                                  std::string_view file,
                                  std::string_view tells) {
    return failure(Error::Kind::kPermission,
                   fmt::format("/proc/{}/{}, which tells {}, is its user's, and we lack "
                               "CAP_DAC_OVERRIDE",
                               backend.pid(),
                               file,
                               tells),
                   "give it too (--cap-add=DAC_OVERRIDE), or use --method freeze");
}

}  // namespace palloscope
