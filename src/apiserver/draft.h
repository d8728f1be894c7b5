// A draft is an object on its way into the store: the steps that every write takes, in the order that Kubernetes takes
// them. create and update (object_writer.h) are sequences of these.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/backend.h"
#include "apiserver/written.h"
#include "json/value.h"

namespace wherry::apiserver {

// What admission took for a write (cluster IPs, node ports). Unless the write is said to be committed, it is given back
// when the last owner lets go.
class Reservations {
 public:
  Reservations() = default;
  ~Reservations();
  Reservations(const Reservations&) = delete;
  Reservations& operator=(const Reservations&) = delete;

  void add(AdmissionRequest& request);  // moves the request's undo and committed functions here
  void commit();

 private:
  std::vector<std::function<void()>> undo_;
  std::vector<std::function<void()>> committed_;
};

enum class Recording { kUpdate, kApplied };  // apply has already recorded its fields

class Draft {
 public:
  // `old` is null for a create; both must outlive the draft.
  Draft(const Backend& backend, const WriteContext& context, json::Value& object, const json::Value* old);

  // Types, unknown fields, group and kind. Throws BadRequest.
  void decode();
  // Defaults, managedFields, admission, generation, validation. Throws Invalid, Forbidden, ...
  void admit(Recording recording);

  std::vector<std::string> takeWarnings() { return std::move(warnings_); }
  std::shared_ptr<Reservations> reservations() const { return reservations_; }

 private:
  void matchTypeMeta();
  void reportStrictly(const std::vector<std::string>& unknownFields);
  void recordManagedFields();
  void setGeneration();
  void forEachHook(const std::function<void(const AdmissionHook&)>& f) const;
  void runHooks();
  void validate(AdmissionRequest& request);
  Operation operation() const { return old_ ? Operation::kUpdate : Operation::kCreate; }
  bool clearsManagedFields() const;

  const Backend& backend_;
  const WriteContext& context_;
  json::Value& object_;
  const json::Value* old_;
  std::vector<std::string> warnings_;
  std::shared_ptr<Reservations> reservations_ = std::make_shared<Reservations>();
};

}  // namespace wherry::apiserver
