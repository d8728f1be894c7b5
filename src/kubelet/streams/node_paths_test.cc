#include "kubelet/streams/node_paths.h"

#include <gtest/gtest.h>

#include "meta/status.h"

namespace wherry::kubelet {
namespace {

TEST(ContainerLogPath, NamesAContainerAndWhatToShowOfItsLog) {
  auto path = parseContainerLogPath(
      "/containerLogs/default/web-1/main?follow=true&tailLines=5&sinceTime=2026-01-02T03%3A04%3A05Z");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->ns, "default");
  EXPECT_EQ(path->pod, "web-1");
  EXPECT_EQ(path->options.container, "main");
  EXPECT_TRUE(path->options.follow);
  EXPECT_EQ(path->options.tailLines, 5);
  EXPECT_EQ(path->options.sinceTime, "2026-01-02T03:04:05Z");
  EXPECT_FALSE(parseContainerLogPath("/containerLogs/default/web-1/main?tail=all")->options.tailLines);
}

TEST(ContainerLogPath, OthersAreNone) {
  EXPECT_FALSE(parseContainerLogPath("/containerLogs/default/web-1"));
  EXPECT_FALSE(parseContainerLogPath("/containerLogs/default/web-1/main/more"));
  EXPECT_FALSE(parseContainerLogPath("/pods"));
  EXPECT_THROW(parseContainerLogPath("/containerLogs/a/b/c?tailLines=many"), meta::StatusError);
}

}  // namespace
}  // namespace wherry::kubelet
