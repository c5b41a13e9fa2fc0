#include "inspector/experiment/workload_run.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <system_error>

#include <fmt/core.h>

#include "inspector/experiment/server_programs.hpp"
#include "inspector/experiment/text_file.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kEndPatience{20};

// Beside ourselves, as it is installed; in its folder of the build; or in PATH.
Result<std::string> find_driver() {
    constexpr const char* kDriver = "palloscope-workload";
    std::error_code error;
    const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
    for (const std::filesystem::path& path :
         {own.parent_path() / kDriver,
          own.parent_path().parent_path().parent_path() / "workload" / kDriver,
          find_program(kDriver)}) {
        if (!path.empty() && access(path.c_str(), X_OK) == 0) {
            return path.string();
        }
    }
    return failure(Error::Kind::kFailed,
                   "there is no palloscope-workload beside palloscope, nor in PATH",
                   "put it into PATH, or give a command of your own after --");
}

std::vector<std::string> environment_of(const Endpoint& endpoint) {
    return {"PGHOST=127.0.0.1",
            "PGHOSTADDR=127.0.0.1",
            fmt::format("PGPORT={}", endpoint.port),
            "PGUSER=postgres",
            "PGDATABASE=postgres",
            "PGPASSWORD=" + endpoint.password,
            fmt::format("DATABASE_URL=postgresql://postgres:{}@127.0.0.1:{}/postgres",
                        endpoint.password,
                        endpoint.port)};
}

// What palloscope-workload says when it fails begins with its name (workload/warning.cpp); its
// command line's complaint comes before the advice to ask for help.
std::string complaint_in(std::string_view text) {
    const std::size_t advice = text.find("\nRun with --help");
    const std::size_t warning = text.find("palloscope-workload: ");
    if (warning != std::string_view::npos) {
        text.remove_prefix(warning);
        return last_line(text.substr(0, text.find('\n')));
    }
    return last_line(text.substr(0, advice));
}

}  // namespace

std::string Workload::name() const {
    std::string name = scenario;
    for (const std::string& argument : arguments) {
        name += (name.empty() ? "" : " ") + argument;
    }
    return name;
}

Result<WorkloadRun> WorkloadRun::start(const Workload& workload,
                                       const TrialPlan& plan,
                                       const Endpoint& endpoint,
                                       const TemporaryFolder& folder) {
    if (workload.kind() == WorkloadKind::kCommand) {
        auto process = ChildProcess::start(
            workload.arguments, {.environment = environment_of(endpoint), .output = STDERR_FILENO});
        if (!process) {
            return tl::unexpected(process.error());
        }
        return WorkloadRun(std::move(*process), workload.arguments.front(), {});
    }
    const auto driver = find_driver();
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    std::vector<std::string> arguments{*driver, workload.scenario, "--progress"};
    arguments.insert(arguments.end(), plan.driver_options.begin(), plan.driver_options.end());
    arguments.insert(arguments.end(), workload.arguments.begin(), workload.arguments.end());
    const std::filesystem::path said_path = folder / "workload.log";
    const auto said = create_file(said_path);
    if (!said) {
        return tl::unexpected(said.error());
    }
    auto process = ChildProcess::start(
        arguments,
        {.environment = environment_of(endpoint), .output = said->get(), .errors = said->get()});
    if (!process) {
        return tl::unexpected(process.error());
    }
    return WorkloadRun(std::move(*process), workload.scenario, said_path);
}

Result<> WorkloadRun::stop() {
    const auto ended_itself = process_.exit_code();
    process_.stop(kEndPatience);
    if (ended_itself.value_or(0) != 0) {
        const std::string said = complaint_in(end_of_file(said_));
        return failure(Error::Kind::kFailed,
                       fmt::format("{} ended with exit code {}{}{}",
                                   name_,
                                   *ended_itself,
                                   said.empty() ? "" : ": ",
                                   said));
    }
    return {};
}

WorkloadRun::Counts WorkloadRun::counts() const {
    const std::string text = end_of_file(said_);
    // print_totals() of workload/main.cpp, each before a "\r", a warning or the end.
    const std::size_t end = text.rfind(" loops, ");
    if (end == std::string::npos) {
        return {};
    }
    const std::size_t begin = text.find_last_not_of("0123456789", end - 1) + 1;
    long long loops = 0;
    long long errors = 0;
    long long upkeeps = 0;
    const int read =
        std::sscanf(text.c_str() + begin,
                    "%lld loops, %*d statements, %lld errors, %*d reconnects, %lld upkeeps",
                    &loops,
                    &errors,
                    &upkeeps);
    return read >= 2 ? Counts{.loops = loops, .errors = errors, .upkeeps = upkeeps} : Counts{};
}

}  // namespace palloscope
