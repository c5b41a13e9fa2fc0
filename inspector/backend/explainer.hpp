#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attach/copy_on_write_child.hpp"
#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/context_reader.hpp"
#include "inspector/backend/gadgets.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// Says what the bytes of one backend are: `palloscope explain`.
class Explainer {
  public:
    struct Options {
        Literals literals = Literals::kMasked;
        // Names of contexts whose chunks are counted by their size.
        std::vector<std::string> chunks_of;
        // Of how many entries of each catalog cache the keys are given, negative ones and others
        // each.
        std::size_t sample_keys = 0;
    };

    // Errors as those of Snapshotter::open().
    [[nodiscard]] static Result<Explainer> open(pid_t pid, Options options);

    // kFork (and none given): the backend makes a copy-on-write child, which is studied, and asked
    // what malloc has; kFreeze where it can make none. kFreeze: it is held for as long as the study
    // takes, which grows with its memory. Others are kUsage. kTimeout where no consistent moment
    // came in time.
    //
    // What a build does not let us see is listed, and all else is given.
    [[nodiscard]] Result<Explanation> explain(std::optional<Method> method,
                                              std::chrono::milliseconds timeout);

  private:
    Explainer(std::unique_ptr<Backend> backend, ContextReader reader, Options options)
        : backend_(std::move(backend)),
          reader_(std::move(reader)),
          gadgets_(*backend_),
          options_(std::move(options)) {}

    [[nodiscard]] Result<Reading> study(pid_t pid,
                                        const MemorySource& memory,
                                        CopyOnWriteChild* child,
                                        ContextReader::Moment moment,
                                        Explanation& into);
    [[nodiscard]] Result<Reading> freeze(std::chrono::steady_clock::time_point deadline,
                                         Explanation& into);

    std::unique_ptr<Backend> backend_;
    ContextReader reader_;
    Gadgets gadgets_;
    Options options_;
};

}  // namespace palloscope
