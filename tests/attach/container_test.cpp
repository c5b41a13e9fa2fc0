#include "attach/container.hpp"

#include <unistd.h>

#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "attach/confinement.hpp"

namespace palloscope {
namespace {

const std::string kId = "3f2504e04f8941d39a0c0305e82c33013f2504e04f8941d39a0c0305e82c3301";

std::optional<Container> container_in(const std::string& path) {
    return parse_container(fmt::format("0::{}\n", fmt::format(fmt::runtime(path), kId)));
}

Container of(const std::string& engine) {
    return {.engine = engine, .id = kId};
}

TEST(ParseContainer, KnowsDockersBothDrivers) {
    EXPECT_EQ(container_in("/system.slice/docker-{}.scope"), of("docker"));
    EXPECT_EQ(container_in("/docker/{}"), of("docker"));
    EXPECT_EQ(container_in("/user.slice/user-1000.slice/user@1000.service/app.slice/"
                           "docker-{}.scope"),
              of("docker"))
        << "without root";
    EXPECT_EQ(container_in("/system.slice/docker-{}.scope/init"), of("docker"))
        << "a group of the server's own";
}

TEST(ParseContainer, KnowsContainerdInKubernetesAndWithoutIt) {
    EXPECT_EQ(container_in("/kubepods.slice/kubepods-burstable.slice/"
                           "kubepods-burstable-pod6f9b8a3e_4b1c_4c39.slice/"
                           "cri-containerd-{}.scope"),
              of("containerd"));
    EXPECT_EQ(container_in("/system.slice/containerd.service/"
                           "kubepods-besteffort-pod6f9b8a3e_4b1c.slice:cri-containerd:{}"),
              of("containerd"));
    EXPECT_EQ(container_in("/system.slice/nerdctl-{}.scope"), of("containerd"));
    EXPECT_EQ(container_in("/default/{}"), of("containerd"));
}

TEST(ParseContainer, KnowsCriO) {
    EXPECT_EQ(container_in("/kubepods.slice/kubepods-pod6f9b8a3e.slice/crio-{}.scope"),
              of("cri-o"));
    EXPECT_EQ(container_in("/kubepods/burstable/pod6f9b8a3e-4b1c/crio-{}"), of("cri-o"));
    EXPECT_EQ(container_in("/kubepods.slice/kubepods-pod6f9b8a3e.slice/crio-{}.scope/container"),
              of("cri-o"));
}

TEST(ParseContainer, KnowsPodmansBothDrivers) {
    EXPECT_EQ(container_in("/machine.slice/libpod-{}.scope/container"), of("podman"));
    EXPECT_EQ(container_in("/libpod_parent/libpod-{}"), of("podman"));
    EXPECT_EQ(container_in("/system.slice/story.service/libpod-payload-{}"), of("podman"));
    EXPECT_EQ(container_in("/user.slice/user-1000.slice/user@1000.service/user.slice/"
                           "libpod-{}.scope/container"),
              of("podman"));
}

TEST(ParseContainer, SaysThatItIsAPodsWhereOnlyThatIsKnown) {
    EXPECT_EQ(container_in("/kubepods/besteffort/pod6f9b8a3e-4b1c/{}"), of("kubernetes"));
    EXPECT_EQ(container_in("/../{}"), of("")) << "a neighbour, seen from a container";
}

TEST(ParseContainer, TakesTheInnermostOne) {
    const std::string outer(64, '0');
    EXPECT_EQ(container_in("/docker/" + outer + "/docker/{}"), of("docker"));
}

TEST(ParseContainer, ReadsAnyLineOfTheFirstVersion) {
    EXPECT_EQ(parse_container("9:name=systemd:/\n8:pids:/\n4:memory:/docker/" + kId + "\n0::/\n"),
              of("docker"));
}

TEST(ParseContainer, TakesNothingElseForAContainer) {
    EXPECT_EQ(container_in("/"), std::nullopt);
    EXPECT_EQ(container_in("/system.slice/postgresql@15-main.service"), std::nullopt);
    EXPECT_EQ(container_in("/user.slice/user-1000.slice/session-2.scope"), std::nullopt);
    EXPECT_EQ(container_in("/machine.slice/libpod-conmon-{}.scope"), std::nullopt)
        << "podman's monitor of a container";
    EXPECT_EQ(container_in("/docker/{}0"), std::nullopt) << "one digit too many";
    EXPECT_EQ(parse_container("\nx\n::\n0::\n" + kId), std::nullopt);
}

TEST(Container, IsShownAsItsEngineShowsIt) {
    EXPECT_EQ(of("docker").short_id(), "3f2504e04f89");
}

TEST(Confinement, IsReadOfAProcess) {
    EXPECT_EQ(read_confinement(getpid()).namespace_pid.value_or(getpid()), getpid());
    EXPECT_EQ(read_confinement(INT32_MAX), Confinement{});
}

}  // namespace
}  // namespace palloscope
