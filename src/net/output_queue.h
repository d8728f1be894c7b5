// Bytes that wait to be sent: shared pieces are kept, not copied, until they go out. Not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace wherry::net {

class OutputQueue {
 public:
  void append(Bytes piece);
  void append(std::string text) { append(std::make_shared<const std::string>(std::move(text))); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The first bytes in one stretch: the first piece itself when it holds at least `capacity` bytes, else as many pieces
  // as fit, gathered in `buffer`. Asked again, it never gives less than before (a TLS write that was put off must be
  // repeated with the same bytes). Empty when the queue is.
  std::string_view front(char* buffer, size_t capacity) const;
  // REQUIRES: count <= size().
  void consume(size_t count);
  void clear();

 private:
  std::vector<Bytes> pieces_;  // from first_ on; those before it are empty pointers
  size_t first_ = 0;
  size_t offset_ = 0;  // into the first piece
  size_t size_ = 0;
};

}  // namespace wherry::net
