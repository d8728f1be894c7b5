#include "linux/nft/ruleset.h"

#include <algorithm>

#include <arpa/inet.h>

namespace wherry::linux::nft {
namespace {

constexpr size_t kInterfaceBytes = 16;
constexpr size_t kIpv6Bytes = 16;

void append(std::string& bytes, const void* data, size_t size, size_t registers) {
  bytes.append(static_cast<const char*>(data), size);
  bytes.append(registers - size, '\0');
}

template <typename T>
const T* findNamed(const std::vector<T>& things, std::string_view name) {
  auto found = std::find_if(things.begin(), things.end(), [&](const T& thing) { return thing.name == name; });
  return found == things.end() ? nullptr : &*found;
}

}  // namespace

size_t registerBytes(FieldType type) {
  if (type == FieldType::kAddress6) return kIpv6Bytes;
  return type == FieldType::kInterface ? kInterfaceBytes : 4;
}

Data& Data::address(const base::IpAddress& address) {
  bytes_ += address.bytes();
  return *this;
}

Data& Data::protocol(uint8_t protocol) {
  append(bytes_, &protocol, sizeof protocol, 4);
  return *this;
}

Data& Data::port(uint16_t port) {
  uint16_t value = htons(port);
  append(bytes_, &value, sizeof value, 4);
  return *this;
}

Data& Data::number(uint32_t number) {
  append(bytes_, &number, sizeof number, 4);
  return *this;
}

Data& Data::interface(std::string_view name) {
  name = name.substr(0, kInterfaceBytes - 1);
  append(bytes_, name.data(), name.size(), kInterfaceBytes);
  return *this;
}

Data& Data::interfacesFrom(std::string_view prefix) {
  bytes_ += prefix;
  return *this;
}

Data Data::fromBytes(std::string_view registers) {
  Data data;
  data.bytes_ = registers;
  return data;
}

FieldType typeOf(Field field, IpFamily family) {
  switch (field) {
    case Field::kSourceAddress:
    case Field::kDestinationAddress:
    case Field::kOriginalSource:
    case Field::kOriginalDestination:
    case Field::kReplySource:
      return addressType(family);
    case Field::kProtocol:
    case Field::kConnectionProtocol:
      return FieldType::kProtocol;
    case Field::kSourcePort:
    case Field::kDestinationPort:
    case Field::kOriginalDestinationPort:
    case Field::kReplySourcePort:
      return FieldType::kPort;
    case Field::kMark:
    case Field::kConnectionMark:
      return FieldType::kNumber;
    case Field::kInputInterface:
    case Field::kOutputInterface:
      return FieldType::kInterface;
  }
  return FieldType::kNumber;
}

std::string_view chainTypeName(ChainType type) {
  switch (type) {
    case ChainType::kFilter:
      return "filter";
    case ChainType::kNat:
      return "nat";
    case ChainType::kRoute:
      return "route";
  }
  return "";
}

const Set* Table::findSet(std::string_view set) const { return findNamed(sets, set); }
const DataMap* Table::findMap(std::string_view map) const { return findNamed(maps, map); }
const VerdictMap* Table::findVerdictMap(std::string_view map) const { return findNamed(verdictMaps, map); }
const Chain* Table::findChain(std::string_view chain) const { return findNamed(chains, chain); }

}  // namespace wherry::linux::nft
