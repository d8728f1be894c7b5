// A connected socket that never blocks, with TLS or without. Belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace wherry::net {

enum class IoStatus {
  kOk,
  kBlocked,  // would block: wait until the descriptor is readable, or writable when wantsWrite() says so
  kEnded,    // the other side has ended the stream properly
  kFailed,   // lost; failure() says why
};

struct IoResult {
  IoStatus status;
  size_t count = 0;
};

// The subject of the other side's verified certificate.
struct PeerName {
  std::string commonName;
  std::vector<std::string> organizations;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int fd() const = 0;
  // Until it is kOk nothing may be read or written.
  virtual IoStatus handshake() = 0;
  virtual IoResult read(char* buffer, size_t size) = 0;
  // After kBlocked the next call must start with the same bytes.
  virtual IoResult write(std::string_view data) = 0;
  // Tells the other side that no more comes, and that no more will be sent.
  virtual void endWriting() = 0;

  virtual bool wantsWrite() const { return false; }   // what was blocked waits for the descriptor to be writable
  virtual bool hasBuffered() const { return false; }  // bytes were taken off the descriptor and not yet given out
  virtual std::string failure() const = 0;            // of the last kFailed
  virtual PeerName peerName() const { return {}; }
  virtual std::string_view protocol() const { return {}; }  // as agreed by ALPN (RFC 7301)
};

std::unique_ptr<Transport> newPlainTransport(base::Fd socket);

}  // namespace wherry::net
