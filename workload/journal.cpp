#include "workload/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "workload/system_error.hpp"

namespace palloscope::workload {

namespace {

Result<> write_all(int file, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return system_error(errno, fmt::format("cannot write the journal {}", path));
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

bool ends_in_a_cut_line(int file, off_t size) {
    char last = '\n';
    return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

std::string journal_line(const Execution& execution) {
    nlohmann::ordered_json object;
    object["seq"] = execution.seq;
    object["backend_pid"] = execution.backend_pid;
    object["session"] = execution.session;
    object["step"] = execution.step;
    object["query"] = execution.form.text;
    object["fingerprint"] = execution.form.fingerprint;
    object["started_at_ns"] = execution.started_at_ns;
    object["ended_at_ns"] = execution.ended_at_ns;
    object["rows"] = execution.rows;
    object["error"] = nullptr;
    if (execution.error) {
        object["error"] = *execution.error;
    }
    using Json = nlohmann::ordered_json;
    return object.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) +
           '\n';
}

Result<Journal> Journal::open(const std::string& path) {
    constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
    Descriptor file(
        ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kOwnerOnly));
    if (!file.valid()) {
        return system_error(errno, fmt::format("cannot open the journal {}", path));
    }

    struct stat status {};

    if (fstat(file.get(), &status) < 0) {
        return system_error(errno, fmt::format("cannot look at the journal {}", path));
    }
    // Only a file of ours is made private: /dev/stdout and the like belong to others.
    if (S_ISREG(status.st_mode)) {
        if (fchmod(file.get(), kOwnerOnly) < 0) {
            return system_error(errno, fmt::format("cannot make the journal {} private", path));
        }
        if (ends_in_a_cut_line(file.get(), status.st_size)) {
            if (auto ended = write_all(file.get(), "\n", path); !ended) {
                return tl::unexpected(ended.error());
            }
        }
    }
    return Journal(std::move(file), path);
}

Journal::Journal(Descriptor file, std::string path)
    : file_(std::move(file)), path_(std::move(path)) {}

Journal::Journal(Journal&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      last_seq_(other.last_seq_),
      error_(std::move(other.error_)) {}

Result<std::string> Journal::append(Execution& execution) {
    const std::lock_guard lock(mutex_);
    if (error_) {
        return tl::unexpected(*error_);
    }
    execution.seq = ++last_seq_;
    std::string line = journal_line(execution);
    if (file_.valid()) {
        if (auto written = write_all(file_.get(), line, path_); !written) {
            error_ = written.error();
            return tl::unexpected(*error_);
        }
    }
    return line;
}

std::optional<Error> Journal::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

}  // namespace palloscope::workload
