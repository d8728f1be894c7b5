// Makes HTTP answers of stored bytes: objects and lists with TypeMeta in front, Tables, PartialObjectMetadata, YAML,
// Status errors. Plain JSON answers share the store's memory; the other forms are made anew. Pure but for the time of a
// Table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apiserver/lister.h"
#include "apiserver/media_type.h"
#include "apiserver/written.h"
#include "base/clock.h"
#include "meta/status.h"
#include "net/http.h"
#include "schema/kind.h"
#include "schema/table.h"

namespace wherry::apiserver {

// How a reader wants objects.
struct View {
  Representation representation;
  schema::IncludeObject include = schema::IncludeObject::kMetadata;  // of a Table
};

net::Response statusAnswer(const meta::StatusError& error, const Representation& representation);
net::Response pageExpiredAnswer(const PageExpired& error, const Representation& representation);
// Any JSON tree, as JSON or YAML.
net::Response treeAnswer(int code, const json::Value& tree, const Representation& representation);
// `bytes`: stored form.
net::Response objectAnswer(int code, const schema::Kind& kind, net::Bytes bytes, const View& view, base::WallTime now);
net::Response writtenAnswer(const Written& written, const View& view, base::WallTime now);
net::Response listAnswer(const schema::Kind& kind, const Listing& listing, const View& view, base::WallTime now);

// `{"kind":"PartialObjectMetadata",...}` of stored bytes.
std::string partialMetadata(std::string_view bytes, std::string_view version);
// A Table of these objects (stored form).
json::Value tableOf(const schema::Kind& kind, std::span<const std::string_view> objects, json::Object listMetadata,
                    const View& view, base::WallTime now, schema::TableHeaders headers);

void addWarnings(net::Headers& headers, const std::vector<std::string>& warnings);

}  // namespace wherry::apiserver
