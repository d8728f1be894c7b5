// TLS 1.2 and 1.3 over sockets that never block. A context is immutable and safe from any thread.
#pragma once

#include <memory>
#include <string>

#include "net/transport.h"

namespace wherry::net {

class TlsContext {
 public:
  virtual ~TlsContext() = default;
  // A transport over a connected socket. `host` (of a client's context): the name or address that the server's
  // certificate must have, when certificates are verified at all; names are sent as SNI.
  virtual std::unique_ptr<Transport> wrap(base::Fd socket, const std::string& host) const = 0;
};

struct TlsServerOptions {
  std::string certificatePem;  // the chain, the server's own first
  std::string keyPem;
  std::string clientCaPem;  // empty: clients are not asked for a certificate
};

struct TlsClientOptions {
  std::string caPem;           // empty: any server is believed
  std::string certificatePem;  // empty: none
  std::string keyPem;
  std::string protocol = "http/1.1";  // offered by ALPN
};

// Both throw std::runtime_error when a PEM text is not what it should be. A server offers "h2" and "http/1.1" by ALPN,
// a client "http/1.1".
std::shared_ptr<const TlsContext> newTlsServer(const TlsServerOptions& options);
std::shared_ptr<const TlsContext> newTlsClient(const TlsClientOptions& options);

}  // namespace wherry::net
