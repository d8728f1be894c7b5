#include "apiserver/answer.h"

#include <fmt/format.h>

#include "apiserver/json_scan.h"
#include "apiserver/object_store.h"
#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

net::Bytes share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

net::Response emptyAnswer(int code, const Representation& representation) {
  net::Response response;
  response.status = code;
  response.headers.add("Content-Type", std::string(representation.contentType()));
  response.headers.add("Cache-Control", "no-cache, private");
  return response;
}

// JSON text in the form that was asked for.
net::Response textAnswer(int code, std::string text, const Representation& representation) {
  if (representation.format == Format::kYaml || representation.pretty) {
    return treeAnswer(code, json::parse(text), representation);
  }
  auto response = emptyAnswer(code, representation);
  response.body.push_back(share(std::move(text)));
  return response;
}

json::Object listMetadata(const schema::Kind& kind, const Listing& listing) {
  json::Object metadata;
  if (listing.revision != 0) metadata["resourceVersion"] = std::to_string(listing.revision);
  if (!listing.continueToken.empty() || kind.custom) metadata["continue"] = listing.continueToken;
  if (listing.remaining) metadata["remainingItemCount"] = *listing.remaining;
  return metadata;
}

std::string listHead(std::string_view kind, std::string_view apiVersion, const json::Object& metadata) {
  return fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{},"items":[)", kind, apiVersion,
                     json::serialize(metadata));
}

// How one item of a list looks; null: as it lies in the store.
using ItemForm = std::function<net::Bytes(const storage::EntryPtr&)>;

std::vector<net::Bytes> listPieces(std::string head, const Listing& listing, const ItemForm& form) {
  static const net::Bytes kComma = share(",");
  static const net::Bytes kEnd = share("]}\n");
  std::vector<net::Bytes> pieces;
  pieces.reserve(listing.entries.size() * 2 + 2);
  pieces.push_back(share(std::move(head)));
  bool first = true;
  for (const auto& entry : listing.entries) {
    if (!first) pieces.push_back(kComma);
    pieces.push_back(form ? form(entry) : sharedBytes(entry));
    first = false;
  }
  pieces.push_back(kEnd);
  return pieces;
}

ItemForm itemForm(const schema::Kind& kind, const View& view) {
  if (view.representation.shape == Shape::kPartialMetadata) {
    return [&](const auto& entry) {
      return share(partialMetadata(*bytesFor(kind, entry), view.representation.shapeVersion));
    };
  }
  if (kind.custom) return [&](const auto& entry) { return share(withTypeMeta(kind, requireReadable(entry)->bytes)); };
  if (!kind.conversion.empty()) return [&](const auto& entry) { return bytesFor(kind, entry); };
  return nullptr;
}

net::Response tableListAnswer(const schema::Kind& kind, const Listing& listing, const View& view, base::WallTime now) {
  std::vector<net::Bytes> held;
  std::vector<std::string_view> objects;
  for (const auto& entry : listing.entries) {
    held.push_back(bytesFor(kind, entry));
    objects.emplace_back(*held.back());
  }
  auto table = tableOf(kind, objects, listMetadata(kind, listing), view, now, schema::TableHeaders::kYes);
  return treeAnswer(200, table, view.representation);
}

}  // namespace

net::Response treeAnswer(int code, const json::Value& tree, const Representation& representation) {
  auto response = emptyAnswer(code, representation);
  if (representation.format == Format::kYaml) {
    response.body.push_back(share(json::renderYaml(tree)));
  } else {
    response.body.push_back(
        share((representation.pretty ? json::serializePretty(tree) : json::serialize(tree)) + "\n"));
  }
  return response;
}

net::Response statusAnswer(const meta::StatusError& error, const Representation& representation) {
  auto response = treeAnswer(error.code(), error.toJson(), representation);
  if (auto seconds = error.retryAfterSeconds()) response.headers.add("Retry-After", std::to_string(*seconds));
  return response;
}

net::Response pageExpiredAnswer(const PageExpired& error, const Representation& representation) {
  auto status = error.toJson();
  status.as_object()["metadata"] = json::Object{{"continue", error.continueToken}};
  return treeAnswer(error.code(), status, representation);
}

std::string partialMetadata(std::string_view bytes, std::string_view version) {
  return fmt::format(R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":{}}})", version,
                     findMember(bytes, "metadata").value_or("{}"));
}

json::Value tableOf(const schema::Kind& kind, std::span<const std::string_view> objects, json::Object metadata,
                    const View& view, base::WallTime now, schema::TableHeaders headers) {
  std::vector<json::Value> trees;
  trees.reserve(objects.size());
  for (auto bytes : objects) trees.push_back(json::parse(withTypeMeta(kind, bytes)));
  std::vector<const json::Value*> pointers;
  pointers.reserve(trees.size());
  for (const auto& tree : trees) pointers.push_back(&tree);
  return schema::renderTable(kind, pointers, metadata, view.include, view.representation.shapeVersion, now, headers);
}

net::Response objectAnswer(int code, const schema::Kind& kind, net::Bytes bytes, const View& view, base::WallTime now) {
  const auto& representation = view.representation;
  if (representation.shape == Shape::kTable) {
    auto revision = findPath(*bytes, "metadata.resourceVersion");
    json::Object metadata{{"resourceVersion", revision ? scalarText(*revision) : ""}};
    std::string_view one[] = {*bytes};
    return treeAnswer(code, tableOf(kind, one, std::move(metadata), view, now, schema::TableHeaders::kYes),
                      representation);
  }
  if (representation.shape == Shape::kPartialMetadata) {
    return textAnswer(code, partialMetadata(*bytes, representation.shapeVersion), representation);
  }
  return textAnswer(code, withTypeMeta(kind, *bytes) + "\n", representation);
}

net::Response writtenAnswer(const Written& written, const View& view, base::WallTime now) {
  net::Response response;
  if (written.error) {
    response = statusAnswer(*written.error, view.representation);
  } else if (written.kind) {
    response = objectAnswer(written.code, *written.kind, written.object, view, now);
  } else {
    response = textAnswer(written.code, *written.object + "\n", view.representation);
  }
  addWarnings(response.headers, written.warnings);
  return response;
}

net::Response listAnswer(const schema::Kind& kind, const Listing& listing, const View& view, base::WallTime now) {
  const auto& representation = view.representation;
  if (representation.shape == Shape::kTable) return tableListAnswer(kind, listing, view, now);
  bool partial = representation.shape == Shape::kPartialMetadata;
  auto head = listHead(partial ? "PartialObjectMetadataList" : kind.listKind,
                       partial ? "meta.k8s.io/" + representation.shapeVersion : kind.resource.apiVersion(),
                       listMetadata(kind, listing));
  auto pieces = listPieces(std::move(head), listing, itemForm(kind, view));
  if (representation.format == Format::kYaml || representation.pretty) {
    std::string text;
    for (const auto& piece : pieces) text += *piece;
    return treeAnswer(200, json::parse(text), representation);
  }
  auto response = emptyAnswer(200, representation);
  response.body = std::move(pieces);
  return response;
}

// RFC 7234 section 5.5; 299 is the code for a persistent warning.
void addWarnings(net::Headers& headers, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings) {
    std::string quoted;
    for (char c : warning) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += (c >= 0 && c < ' ') ? ' ' : c;
    }
    headers.add("Warning", fmt::format("299 - \"{}\"", quoted));
  }
}

}  // namespace wherry::apiserver
