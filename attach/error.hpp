#pragma once

#include <string>

#include <tl/expected.hpp>

namespace palloscope {

// What failed, why, and what the user can do about it.
//
// `message` is a sentence that names the thing and the reason ("cannot seize process 42: operation
// not permitted"); `hint`, printed on a line of its own, is the remedy and never repeats the
// message. Return it as a value where failure is part of life (a backend that went away, a torn
// read); exceptions are for bugs and exhausted memory.
//
//     if (!found) return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
struct Error {
    // Each kind but kFault becomes the exit code of the same meaning (contract.md, "Exit codes").
    enum class Kind {
        kFailed,       // failed while working (1)
        kUsage,        // the command line is wrong (2)
        kGone,         // the target is gone, or is not what it was taken for (3)
        kPermission,   // not permitted (4)
        kTraced,       // not permitted as long as another process traces the target (4)
        kUnsupported,  // this version, build or architecture cannot be read (5)
        kTimeout,      // no safe or consistent moment came in time (6)
        kInterrupted,  // the user interrupted us (130)
        kFault,  // an address in the target cannot be read; callers turn it into one of the above
    };

    Kind kind = Kind::kFailed;
    std::string message;
    std::string hint;

    bool operator==(const Error&) const = default;
};

template <typename T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] tl::unexpected<Error> failure(Error::Kind kind,
                                            std::string message,
                                            std::string hint = {});

// `err` is an errno value; its text is appended to `what`. EPERM and EACCES become kPermission with
// the remedy for the usual cause, ESRCH becomes kGone, EFAULT and EIO kFault, all else kFailed.
[[nodiscard]] tl::unexpected<Error> os_error(int err, std::string what);

}  // namespace palloscope
