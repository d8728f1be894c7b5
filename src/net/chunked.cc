#include "net/chunked.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::net {
namespace {

constexpr int kMaxSizeDigits = 15;        // so that a size never overflows
constexpr size_t kMaxOverhead = 8 << 10;  // bytes of extensions per chunk, and of trailers

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

size_t ChunkedDecoder::decode(std::string_view input, std::string& body) {
  size_t at = 0;
  while (at < input.size() && state_ == State::kMore) {
    if (step_ != Step::kData) {
      if (!step(input[at++])) state_ = State::kMalformed;
      continue;
    }
    size_t count = std::min<uint64_t>(left_, input.size() - at);
    body.append(input.substr(at, count));
    at += count;
    left_ -= count;
    if (left_ == 0) step_ = Step::kDataCr;
  }
  return at;
}

bool ChunkedDecoder::overhead() { return ++overhead_ <= kMaxOverhead; }

bool ChunkedDecoder::readSizeDigit(char c) {
  int digit = hexDigit(c);
  if (digit >= 0) {
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return ++digits_ <= kMaxSizeDigits;
  }
  if (digits_ == 0) return false;
  overhead_ = 0;
  step_ = c == '\r' ? Step::kSizeLf : Step::kExtension;
  return c == '\r' || c == ';';
}

bool ChunkedDecoder::readTrailer(char c) {
  if (c == '\r') {
    step_ = Step::kTrailerLf;
    return true;
  }
  ++trailerLine_;
  return c != '\n' && overhead();
}

// One byte outside of a chunk's data; false when it can't stand there.
bool ChunkedDecoder::step(char c) {
  switch (step_) {
    case Step::kSize:
      return readSizeDigit(c);
    case Step::kExtension:
      if (c == '\r') step_ = Step::kSizeLf;
      return c != '\n' && overhead();
    case Step::kSizeLf:
      step_ = left_ == 0 ? Step::kTrailer : Step::kData;
      digits_ = 0;
      overhead_ = 0;
      return c == '\n';
    case Step::kDataCr:
      step_ = Step::kDataLf;
      return c == '\r';
    case Step::kDataLf:
      step_ = Step::kSize;
      return c == '\n';
    case Step::kTrailer:
      return readTrailer(c);
    case Step::kTrailerLf:
      if (trailerLine_ == 0) state_ = State::kDone;
      trailerLine_ = 0;
      step_ = Step::kTrailer;
      return c == '\n';
    case Step::kData:
      break;
  }
  return false;
}

std::string chunkHead(size_t size) { return fmt::format("{:x}\r\n", size); }

}  // namespace wherry::net
