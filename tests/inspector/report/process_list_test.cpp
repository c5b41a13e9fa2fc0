#include "inspector/report/process_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace palloscope {
namespace {

ProcessRow backend() {
    return {.server_version_num = 150018,
            .info = {.pid = 4242,
                     .backend_type = "client backend",
                     .database = "orders",
                     .user = "app",
                     .application_name = "puma",
                     .state = "idle",
                     .rss_anon_bytes = 1 << 20}};
}

ProcessRow contained_backend() {
    ProcessRow row = backend();
    row.confinement = {
        .namespace_pid = 57,
        .container = Container{.engine = "podman", .id = std::string(64, 'a')},
        .memory_limit = MemoryLimit{.limit_bytes = 300 << 20, .usage_bytes = 100 << 20}};
    return row;
}

TEST(ProcessList, NamesTheContainerItsPidInsideAndItsMemoryLimit) {
    EXPECT_EQ(process_list_table({contained_backend(), backend()}, {}, /*with_growth=*/false),
              " PID  INSIDE  CONTAINER            VERSION  TYPE            DATABASE  USER  STATE  "
              "RSSANON  RSSSHMEM     LIMIT      LEFT  APPLICATION\n"
              "4242      57  podman:aaaaaaaaaaaa  15.18    client backend  orders    app   idle   "
              " 1.0 MB       0 B  300.0 MB  200.0 MB  puma\n"
              "4242       -  -                    15.18    client backend  orders    app   idle   "
              " 1.0 MB       0 B         -         -  puma\n");
}

TEST(ProcessList, SaysNothingOfContainersWhereThereIsNone) {
    EXPECT_EQ(process_list_table({backend()}, {}, /*with_growth=*/false),
              " PID  VERSION  TYPE            DATABASE  USER  STATE  RSSANON  RSSSHMEM  "
              "APPLICATION\n"
              "4242  15.18    client backend  orders    app   idle    1.0 MB       0 B  puma\n");
}

TEST(ProcessList, GivesProgramsTheSame) {
    const auto list = nlohmann::json::parse(process_list_json({contained_backend(), backend()}));
    EXPECT_EQ(list.at(0).at("namespace_pid"), 57);
    EXPECT_EQ(list.at(0).at("container").at("engine"), "podman");
    EXPECT_EQ(list.at(0).at("container").at("id"), std::string(64, 'a'));
    EXPECT_EQ(list.at(0).at("memory_limit").at("left_bytes"), 200 << 20);
    for (const char* const name : {"namespace_pid", "container", "memory_limit"}) {
        EXPECT_EQ(list.at(1).at(name), nullptr) << name;
    }
}

}  // namespace
}  // namespace palloscope
