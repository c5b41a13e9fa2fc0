#include "inspector/backend/core_snapshot.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "attach/core_file.hpp"
#include "attach/dwarf_types.hpp"
#include "attach/memory_copy.hpp"
#include "inspector/backend/constant_texts.hpp"
#include "inspector/backend/context_walk.hpp"
#include "inspector/backend/debug_layout.hpp"
#include "inspector/backend/server_globals.hpp"
#include "inspector/statements/ident.hpp"

namespace palloscope {

namespace {

// Nobody waits: the largest backend that we know of, of a million contexts, takes some seconds.
constexpr std::chrono::minutes kLongestWalk{5};

// The file was found to be the one that made the core.
Result<std::shared_ptr<const ServerBinary>> open_server(const std::string& executable) {
    FileDescriptor file(::open(executable.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        return os_error(errno, fmt::format("cannot read {}", executable));
    }
    return ServerBinary::open(std::move(file))
        .map([](ServerBinary&& binary) {
            return std::make_shared<const ServerBinary>(std::move(binary));
        })
        .map_error([&](const Error& error) {
            if (error.kind == Error::Kind::kGone) {
                return Error{.kind = Error::Kind::kGone,
                             .message = fmt::format("the core is of no PostgreSQL server: its "
                                                    "process ran {}",
                                                    executable),
                             .hint = {}};
            }
            return Error{.kind = error.kind,
                         .message = fmt::format("{} {}", executable, error.message),
                         .hint = error.hint};
        });
}

Error unreadable(const CoreFile& core, const Error& reason) {
    if (reason.kind == Error::Kind::kUnsupported) {
        return reason;
    }
    const std::string message = fmt::format(
        "the memory contexts of process {} cannot be read: {}", core.pid(), reason.message);
    // Either a page is not there, or what is there does not fit.
    if (reason.kind == Error::Kind::kFault) {
        return {.kind = Error::Kind::kFailed,
                .message = message,
                .hint =
                    "a core with all pages has them: echo 0x3f > /proc/PID/coredump_filter "
                    "before it is made; or put the libraries where they were"};
    }
    return {.kind = Error::Kind::kFailed,
            .message = message,
            .hint =
                "it was changing them when it ended, or its server is a build with assertions "
                "or a fork of PostgreSQL"};
}

Result<ContextTree> walk(const CoreFile& core,
                         const MemoryCopy& memory,
                         const ServerGlobals& globals,
                         const MemoryLayout& layout) {
    const auto root = memory.read<RemoteAddress>(globals.address_of("TopMemoryContext"));
    if (!root) {
        return tl::unexpected(root.error());
    }
    ConstantTexts names(core);
    auto tree = walk_contexts(memory,
                              layout,
                              *root,
                              names,
                              {.bytes = core.mapped_bytes(),
                               .deadline = std::chrono::steady_clock::now() + kLongestWalk});
    if (tree) {
        if (auto proved = prove_chunks(memory, layout, *root); !proved) {
            return tl::unexpected(std::move(proved.error()));
        }
    }
    return tree;
}

}  // namespace

Result<Snapshot> snapshot_of_core(const std::string& core_path,
                                  const std::string& executable,
                                  Literals literals) {
    const auto core = CoreFile::open(core_path, executable);
    if (!core) {
        return tl::unexpected(core.error());
    }
    const auto binary = open_server(executable);
    if (!binary) {
        return tl::unexpected(binary.error());
    }
    const ElfImage& image = (*binary)->image();
    const ServerGlobals globals(*binary, core->entry() - image.entry());
    const int version = (*binary)->version_num();
    const auto layout = layout_of_build(version, DwarfTypes::find(executable, image));
    if (!layout) {
        return tl::unexpected(layout.error());
    }
    MemoryCopy memory(*core);
    memory.take();
    memory.set_misses(MemoryCopy::Misses::kFetch);
    auto tree = walk(*core, memory, globals, *layout);
    if (!tree) {
        return tl::unexpected(unreadable(*core, tree.error()));
    }
    if (literals == Literals::kMasked) {
        IdentForms().mask(*tree);
    }
    ProcessInfo process = process_info_in_memory(globals, memory, core->command_line(), literals);
    process.pid = core->pid();
    return Snapshot{.taken_at_ns = core->written_at_ns(),
                    .method = Method::kRead,
                    .pause_us = 0,
                    .server_version_num = version,
                    .process = std::move(process),
                    .tree = std::move(*tree)};
}

}  // namespace palloscope
