#include "net/tls.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace wherry::net {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;

std::string takeSslErrors() {
  std::string text;
  while (unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += ", ";
    text += reason ? reason : "unknown TLS error";
  }
  return text;
}

[[noreturn]] void throwSsl(const std::string& what) { throw std::runtime_error(what + ": " + takeSslErrors()); }

std::string utf8(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return {};
  std::string result(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return result;
}

std::vector<std::string> subjectEntries(const X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  std::vector<std::string> values;
  for (int i = X509_NAME_get_index_by_NID(subject, nid, -1); i >= 0; i = X509_NAME_get_index_by_NID(subject, nid, i)) {
    values.push_back(utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i))));
  }
  return values;
}

class TlsTransport : public Transport {
 public:
  TlsTransport(SslPtr ssl, base::Fd socket) : ssl_(std::move(ssl)), socket_(std::move(socket)) {
    SSL_set_fd(ssl_.get(), socket_.get());
  }

  int fd() const override { return socket_.get(); }
  IoStatus handshake() override {
    if (SSL_is_init_finished(ssl_.get())) return IoStatus::kOk;
    ERR_clear_error();
    return status(SSL_do_handshake(ssl_.get()));
  }
  IoResult read(char* buffer, size_t size) override {
    ERR_clear_error();
    size_t count = 0;
    IoStatus outcome = status(SSL_read_ex(ssl_.get(), buffer, size, &count));
    return {outcome, count};
  }
  IoResult write(std::string_view data) override {
    ERR_clear_error();
    size_t count = 0;
    IoStatus outcome = status(SSL_write_ex(ssl_.get(), data.data(), data.size(), &count));
    return {outcome, count};
  }
  void endWriting() override {
    if (failed_ || !SSL_is_init_finished(ssl_.get())) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ::shutdown(socket_.get(), SHUT_WR);
  }

  bool wantsWrite() const override { return wantsWrite_; }
  bool hasBuffered() const override { return SSL_has_pending(ssl_.get()) == 1; }
  std::string failure() const override { return failure_; }
  PeerName peerName() const override {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
    auto names = subjectEntries(certificate, NID_commonName);
    return {names.empty() ? "" : names.front(), subjectEntries(certificate, NID_organizationName)};
  }
  std::string_view protocol() const override {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

 private:
  // What the result of the last SSL call means.
  IoStatus status(int result) {
    wantsWrite_ = false;
    if (result == 1) return IoStatus::kOk;
    int savedErrno = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_WRITE:
        wantsWrite_ = true;
        return IoStatus::kBlocked;
      case SSL_ERROR_WANT_READ:
        return IoStatus::kBlocked;
      case SSL_ERROR_ZERO_RETURN:
        return IoStatus::kEnded;
      case SSL_ERROR_SYSCALL:
        return fail(savedErrno == 0 ? "connection closed" : std::strerror(savedErrno));
      default:
        return fail("TLS: " + describeFailure());
    }
  }
  std::string describeFailure() const {
    std::string text = takeSslErrors();
    long verified = SSL_get_verify_result(ssl_.get());
    return verified == X509_V_OK ? text : text + " (" + X509_verify_cert_error_string(verified) + ")";
  }
  IoStatus fail(std::string why) {
    failed_ = true;
    failure_ = std::move(why);
    return IoStatus::kFailed;
  }

  SslPtr ssl_;
  base::Fd socket_;
  bool wantsWrite_ = false;
  bool failed_ = false;
  std::string failure_;
};

X509Ptr readCertificate(BIO* bio) { return X509Ptr(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)); }

BioPtr bioOf(const std::string& pem) { return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

void useCertificate(SSL_CTX* context, const std::string& certificatePem, const std::string& keyPem) {
  BioPtr bio = bioOf(certificatePem);
  X509Ptr own = readCertificate(bio.get());
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) throwSsl("certificate");
  while (X509Ptr issuer = readCertificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) throwSsl("certificate chain");
    static_cast<void>(issuer.release());
  }
  ERR_clear_error();  // the end of the text counts as an error
  BioPtr keyBio = bioOf(keyPem);
  KeyPtr key(PEM_read_bio_PrivateKey(keyBio.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) throwSsl("private key");
  if (SSL_CTX_check_private_key(context) != 1) throwSsl("private key");
}

// Trusts the certificates of `caPem`; with `askForThem` a server names them when it asks a client for a certificate.
enum class AskForThem { kNo, kYes };
void trust(SSL_CTX* context, const std::string& caPem, AskForThem askForThem) {
  BioPtr bio = bioOf(caPem);
  int count = 0;
  while (X509Ptr ca = readCertificate(bio.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1) throwSsl("CA certificate");
    if (askForThem == AskForThem::kYes) SSL_CTX_add_client_CA(context, ca.get());
    ++count;
  }
  if (count == 0) throwSsl("CA certificate");
  ERR_clear_error();
}

// PROBES: without buffers held and with one read a record an idle connection costs 23 KB, not 78.
void setCommonOptions(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
}

constexpr unsigned char kHttp2AndHttp1[] = "\x02h2\x08http/1.1";

int selectProtocol(SSL*, const unsigned char** out, unsigned char* outSize, const unsigned char* offered,
                   unsigned offeredSize, void*) {
  unsigned char* selected = nullptr;
  int outcome =
      SSL_select_next_proto(&selected, outSize, kHttp2AndHttp1, sizeof kHttp2AndHttp1 - 1, offered, offeredSize);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

class ServerContext : public TlsContext {
 public:
  explicit ServerContext(const TlsServerOptions& options) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX* context = context_.get();
    setCommonOptions(context);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // Tickets alone resume sessions: nothing is kept here for a client that may never come back.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    constexpr unsigned char kSessionContext[] = "wherry";
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
    SSL_CTX_set_alpn_select_cb(context, selectProtocol, nullptr);
    useCertificate(context, options.certificatePem, options.keyPem);
    if (options.clientCaPem.empty()) return;
    trust(context, options.clientCaPem, AskForThem::kYes);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }

  std::unique_ptr<Transport> wrap(base::Fd socket, const std::string&) const override {
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) throwSsl("SSL_new");
    SSL_set_accept_state(ssl.get());
    return std::make_unique<TlsTransport>(std::move(ssl), std::move(socket));
  }

 private:
  SslCtxPtr context_;
};

bool isAddress(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

class ClientContext : public TlsContext {
 public:
  explicit ClientContext(const TlsClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX* context = context_.get();
    setCommonOptions(context);
    std::string offered = static_cast<char>(options.protocol.size()) + options.protocol;
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    if (!options.certificatePem.empty()) useCertificate(context, options.certificatePem, options.keyPem);
    if (options.caPem.empty()) return;
    trust(context, options.caPem, AskForThem::kNo);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }

  std::unique_ptr<Transport> wrap(base::Fd socket, const std::string& host) const override {
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) throwSsl("SSL_new");
    SSL_set_connect_state(ssl.get());
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl.get());
    if (isAddress(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(verify, host.data(), host.size());
      SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    }
    return std::make_unique<TlsTransport>(std::move(ssl), std::move(socket));
  }

 private:
  SslCtxPtr context_;
};

}  // namespace

std::shared_ptr<const TlsContext> newTlsServer(const TlsServerOptions& options) {
  return std::make_shared<ServerContext>(options);
}

std::shared_ptr<const TlsContext> newTlsClient(const TlsClientOptions& options) {
  return std::make_shared<ClientContext>(options);
}

}  // namespace wherry::net
