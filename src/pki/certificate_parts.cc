#include "pki/certificate_parts.h"

#include <ctime>

#include <arpa/inet.h>
#include <openssl/pem.h>

#include "base/random.h"

namespace wherry::pki {
namespace {

std::string toUtf8(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return {};
  std::string result(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return result;
}

std::string renderName(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI) return toUtf8(name->d.ia5);
  if (name->type != GEN_IPADD) return {};
  char text[INET6_ADDRSTRLEN] = "";
  int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
  ::inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text);
  return text;
}

}  // namespace

std::string renderCertificate(X509* certificate) {
  BioPtr bio = newMemoryBio();
  check(PEM_write_bio_X509(bio.get(), certificate) == 1, "write certificate");
  return takeText(bio.get());
}

// RFC 5280 section 4.1.2.2: positive, at most 20 bytes.
void setSerial(X509* certificate) {
  std::string bytes = base::randomBytes(16);
  bytes[0] = static_cast<char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number =
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
}

void setValidity(X509* certificate, base::WallTime from, base::WallTime to) {
  ASN1_TIME_set(X509_getm_notBefore(certificate), std::chrono::system_clock::to_time_t(from));
  ASN1_TIME_set(X509_getm_notAfter(certificate), std::chrono::system_clock::to_time_t(to));
}

void addExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "certificate extension");
}

base::WallTime toWallTime(const ASN1_TIME* time) {
  std::tm utc{};
  check(ASN1_TIME_to_tm(time, &utc) == 1, "certificate time");
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

std::vector<std::string> readSubject(X509_NAME* subject, int nid) {
  std::vector<std::string> values;
  int at = -1;
  while ((at = X509_NAME_get_index_by_NID(subject, nid, at)) >= 0) {
    values.push_back(toUtf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  return values;
}

std::vector<std::string> readNames(const GENERAL_NAMES* stack) {
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(stack); ++i) names.push_back(renderName(sk_GENERAL_NAME_value(stack, i)));
  return names;
}

}  // namespace wherry::pki
