#include "net/output_queue.h"

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

constexpr size_t kCapacity = 8;

std::string drain(OutputQueue& queue, size_t step) {
  std::string all;
  char buffer[kCapacity];
  while (!queue.empty()) {
    std::string_view front = queue.front(buffer, kCapacity);
    size_t count = std::min(step, front.size());
    all += front.substr(0, count);
    queue.consume(count);
  }
  return all;
}

TEST(OutputQueue, GivesEverythingInOrderHoweverItIsTaken) {
  for (size_t step : {1, 3, 8, 100}) {
    OutputQueue queue;
    for (const char* piece : {"HTTP ", "", "200", " a long piece, sent as it is", "!", "?"})
      queue.append(std::string(piece));
    EXPECT_EQ(drain(queue, step), "HTTP 200 a long piece, sent as it is!?");
  }
}

TEST(OutputQueue, GathersSmallPieces) {
  OutputQueue queue;
  queue.append(std::string("ab"));
  queue.append(std::string("cd"));
  char buffer[kCapacity];
  EXPECT_EQ(queue.front(buffer, kCapacity), "abcd");
  queue.append(std::string("efghijkl"));
  EXPECT_EQ(queue.front(buffer, kCapacity), "abcdefgh");
}

TEST(OutputQueue, DoesNotCopyALargePiece) {
  auto large = std::make_shared<const std::string>(100, 'x');
  OutputQueue queue;
  queue.append(large);
  queue.append(std::string("tail"));
  char buffer[kCapacity];
  EXPECT_EQ(queue.front(buffer, kCapacity).data(), large->data());
  queue.consume(90);
  EXPECT_EQ(queue.front(buffer, kCapacity).data(), large->data() + 90);
}

TEST(OutputQueue, StaysSmallWhenItNeverRunsDry) {
  OutputQueue queue;
  queue.append(std::string("x"));
  for (int i = 0; i < 100000; ++i) {
    queue.append(std::string("x"));
    queue.consume(1);
  }
  EXPECT_EQ(queue.size(), 1U);
}

}  // namespace
}  // namespace wherry::net
