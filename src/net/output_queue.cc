#include "net/output_queue.h"

#include <algorithm>
#include <cstring>

namespace wherry::net {

void OutputQueue::append(Bytes piece) {
  if (!piece || piece->empty()) return;
  size_ += piece->size();
  pieces_.push_back(std::move(piece));
}

std::string_view OutputQueue::front(char* buffer, size_t capacity) const {
  if (size_ == 0) return {};
  std::string_view head = std::string_view(*pieces_[first_]).substr(offset_);
  if (head.size() >= capacity || head.size() == size_) return head;
  size_t filled = 0;
  for (size_t i = first_; i < pieces_.size() && filled < capacity; ++i) {
    std::string_view piece = i == first_ ? head : std::string_view(*pieces_[i]);
    size_t count = std::min(piece.size(), capacity - filled);
    std::memcpy(buffer + filled, piece.data(), count);
    filled += count;
  }
  return {buffer, filled};
}

void OutputQueue::consume(size_t count) {
  size_ -= count;
  while (count > 0) {
    size_t left = pieces_[first_]->size() - offset_;
    if (count < left) {
      offset_ += count;
      return;
    }
    count -= left;
    offset_ = 0;
    pieces_[first_++].reset();
  }
  if (size_ == 0) clear();
  // Dead slots are dropped once they are the larger part, so that a queue that never runs dry stays bounded.
  if (first_ > 64 && first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::clear() {
  std::vector<Bytes>().swap(pieces_);
  first_ = offset_ = size_ = 0;
}

}  // namespace wherry::net
