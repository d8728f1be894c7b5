// Makes and deletes the pods of a controller, tells of it in events on their owner, and notes the writes.
#pragma once

#include <string>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/own_writes.h"
#include "json/value.h"
#include "meta/object.h"
#include "meta/status.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// As safe to use from several threads as OwnWrites is. All three outlive it.
class PodWriter {
 public:
  PodWriter(client::Client& client, client::EventRecorder& events, client::OwnWrites& writes);

  // Both throw StatusError, which an event tells of (not of a namespace that ends). A pod that is gone was removed.
  void create(const meta::Object& owner, const json::Value& pod);
  void remove(const meta::Object& owner, const core_v1::Pod& pod);

 private:
  void tell(const meta::Object& owner, const meta::StatusError& error, std::string_view reason, std::string_view what);

  client::Client& client_;
  client::EventRecorder& events_;
  client::OwnWrites& writes_;
};

// -- pure ----------------------------------------------------------------------------------------------------------

// The pod to create: of the template, named by generateName, controlled by `owner`.
json::Value podFromTemplate(const meta::Object& owner, const core_v1::PodTemplateSpec& podTemplate);

bool isNamespaceTerminating(const meta::StatusError& error);

}  // namespace wherry::controllers
