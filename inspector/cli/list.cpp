#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/backend/server_processes.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/report/process_list.hpp"

namespace palloscope {

namespace {

struct ListOptions {
    ProcessFilter filter;
    std::string format = "table";
    bool contexts = false;
    std::chrono::nanoseconds interval{};
};

// A busy backend is left out of the totals rather than waited for, or stopped.
constexpr std::chrono::milliseconds kContextsTimeout{50};

Result<std::int64_t> contexts_total(int pid) {
    return Snapshotter::open(pid, Literals::kMasked)
        .and_then([](Snapshotter&& snapshotter) {
            return snapshotter.take(Method::kRead, kContextsTimeout);
        })
        .map([](const Snapshot& snapshot) { return snapshot.tree.grand_total().total_bytes; });
}

class Lister {
  public:
    explicit Lister(const ListOptions& options) : options_(&options) {}

    Result<ExitCode> run() {
        const StopRequest stop;
        for (;;) {
            const ServerProcesses processes = find_server_processes(options_->filter);
            if (auto printed = print(rendered(processes)); !printed) {
                return tl::unexpected(printed.error());
            }
            if (unread_contexts_) {
                print_error(*std::exchange(unread_contexts_, std::nullopt));
            }
            if (!processes.unreadable.empty()) {
                print_error(unreadable_processes(processes, ", and left out"));
            }
            if (options_->interval.count() == 0) {
                const bool nothing_readable =
                    processes.found.empty() && !processes.unreadable.empty();
                return nothing_readable ? ExitCode::kPermission : ExitCode::kDone;
            }
            if (stop.sleep_until(std::chrono::steady_clock::now() + options_->interval)) {
                return ExitCode::kInterrupted;
            }
        }
    }

  private:
    std::string rendered(const ServerProcesses& processes) {
        // One that has ended leaves its PID to another.
        std::erase_if(first_rss_anon_, [&](const auto& first) {
            return std::ranges::none_of(processes.found, [&](const ServerProcess& process) {
                return process.info.pid == first.first;
            });
        });
        std::vector<ProcessRow> rows;
        for (const ServerProcess& process : processes.found) {
            const auto first =
                first_rss_anon_.try_emplace(process.info.pid, process.info.rss_anon_bytes).first;
            rows.push_back({.server_version_num = process.server_version_num,
                            .info = process.info,
                            .confinement = process.confinement,
                            .contexts_total_bytes = contexts_of(process.info),
                            .growth_bytes = process.info.rss_anon_bytes - first->second});
        }
        if (options_->format == "json") {
            return process_list_json(rows) + '\n';
        }
        return process_list_table(rows, standard_output_style(), options_->interval.count() != 0);
    }

    // None where they are not asked for, or cannot be had at once.
    std::optional<std::int64_t> contexts_of(const ProcessInfo& process) {
        if (!options_->contexts || process.backend_type != "client backend") {
            return std::nullopt;
        }
        const auto total = contexts_total(process.pid);
        if (total) {
            return *total;
        }
        if (total.error().kind != Error::Kind::kTimeout &&
            total.error().kind != Error::Kind::kGone) {
            unread_contexts_ = Error{
                .kind = total.error().kind,
                .message = "contexts are left out: " + total.error().message,
                .hint = fmt::format("'palloscope check {}' says what is missing", process.pid)};
        }
        return std::nullopt;
    }

    const ListOptions* options_;
    std::optional<Error> unread_contexts_;  // why those of a backend that is listed cannot be read
    std::map<int, std::int64_t> first_rss_anon_;
};

}  // namespace

CommandAction add_list(CLI::App& app) {
    auto options = std::make_shared<ListOptions>();
    add_filter(app, options->filter);
    add_format(app, options->format, {"table", "json"});
    app.add_flag(
        "--contexts",
        options->contexts,
        "add each client backend's total of contexts (takes a snapshot of those that are idle)");
    add_duration(app,
                 "--interval",
                 options->interval,
                 "list again and again, with the growth since the start",
                 "");
    app.footer(
        "Example:\n"
        "  palloscope list\n"
        "  palloscope list --min-anon 100MB --interval 5s");
    return [options] { return Lister(*options).run(); };
}

}  // namespace palloscope
