#include "inspector/cli/command.hpp"

namespace palloscope {

ExitCode exit_code_of(Error::Kind kind) {
    switch (kind) {
        case Error::Kind::kUsage:
            return ExitCode::kUsage;
        case Error::Kind::kGone:
            return ExitCode::kGone;
        case Error::Kind::kPermission:
        case Error::Kind::kTraced:
            return ExitCode::kPermission;
        case Error::Kind::kUnsupported:
            return ExitCode::kUnsupported;
        case Error::Kind::kTimeout:
            return ExitCode::kTimeout;
        case Error::Kind::kInterrupted:
            return ExitCode::kInterrupted;
        case Error::Kind::kFailed:
        case Error::Kind::kFault:
            return ExitCode::kFailed;
    }
    return ExitCode::kFailed;
}

}  // namespace palloscope
