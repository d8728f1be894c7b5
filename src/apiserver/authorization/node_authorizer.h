// What a node may do: a kubelet that calls itself system:node:<name> and is in the group system:nodes. It reads its own
// Node and pods, and what those pods lead to: node <- pod <- Secret, ConfigMap, ServiceAccount's token, claim <-
// volume. All else is by fixed rules. What it may write in what it may write, admission says (node_restriction.h).
//
// Safe from any thread. The pods are not looked at before a node asks for the first time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/node_references.h"
#include "apiserver/authorization/store_follower.h"
#include "base/guarded.h"
#include "meta/gvk.h"
#include "storage/store.h"

namespace wherry::apiserver {

// "worker" of system:node:worker; "" for a member of system:nodes of another name; nothing for who is no node.
std::optional<std::string_view> nodeOf(const User& user);

class NodeAuthorizer {
 public:
  NodeAuthorizer(storage::Store& store, const ObjectReader& objects);

  // Nothing permitted and no reason for who is no node.
  Decision decide(const User& user, const Attributes& attributes) const;

 private:
  using Names = std::vector<std::string>;
  using Judge = Decision (NodeAuthorizer::*)(std::string_view node, const Attributes&) const;
  struct Judged;  // one resource and who judges it

  Decision judge(std::string_view node, const Attributes& attributes) const;
  Decision judgeSecret(std::string_view node, const Attributes& attributes) const;
  Decision judgeConfigMap(std::string_view node, const Attributes& attributes) const;
  Decision judgeClaim(std::string_view node, const Attributes& attributes) const;
  Decision judgeVolume(std::string_view node, const Attributes& attributes) const;
  Decision judgeAttachment(std::string_view node, const Attributes& attributes) const;
  Decision judgeResourceClaim(std::string_view node, const Attributes& attributes) const;
  Decision judgeResourceSlice(std::string_view node, const Attributes& attributes) const;
  Decision judgeServiceAccount(std::string_view node, const Attributes& attributes) const;
  Decision judgeLease(std::string_view node, const Attributes& attributes) const;
  Decision judgeCsiNode(std::string_view node, const Attributes& attributes) const;
  Decision judgeNode(std::string_view node, const Attributes& attributes) const;
  Decision judgePod(std::string_view node, const Attributes& attributes) const;

  // Whether any pod of the node in this namespace is as `holds` says.
  template <typename F>
  bool anyPod(std::string_view node, std::string_view ns, F&& holds) const;
  bool names(std::string_view node, const Attributes& attributes, Names PodReferences::*list) const;
  bool leadsToSecret(std::string_view node, std::string_view ns, std::string_view name) const;
  void take(const std::string& key, const storage::EntryPtr& entry);

  const ObjectReader& objects_;
  struct Pods {
    std::map<std::string, std::map<std::string, PodReferences>, std::less<>> ofNode;  // by key in the store
    std::map<std::string, std::string> nodeOfPod;                                     // the same, by key
  };
  base::Guarded<Pods> pods_;
  mutable StoreFollower follower_;
};

}  // namespace wherry::apiserver
