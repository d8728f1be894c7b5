#include "apiserver/admission/service_families.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using base::IpFamily;
using json::getString;
using Texts = std::vector<std::string>;

constexpr std::string_view kNone = "None";
constexpr const char* kSingleStack = "SingleStack";
constexpr const char* kPreferDualStack = "PreferDualStack";
constexpr const char* kRequireDualStack = "RequireDualStack";
constexpr const char* kStays = "may not change once set";

json::Array listOf(const Texts& texts) {
  json::Array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

std::string at(const char* field, size_t index) { return fmt::format("spec.{}[{}]", field, index); }

// The linked fields of a Service; "" and none: not set.
struct Linked {
  std::string type, clusterIp, policy;
  Texts clusterIps, families;
  bool selects = false;

  static Linked of(const json::Object& spec) {
    return {.type = std::string(getString(spec, "type")),
            .clusterIp = std::string(getString(spec, "clusterIP")),
            .policy = std::string(getString(spec, "ipFamilyPolicy")),
            .clusterIps = textsAt(spec, "clusterIPs"),
            .families = textsAt(spec, "ipFamilies"),
            .selects = !objectAt(spec, "selector").empty()};
  }
  bool hasAddresses() const { return type != "ExternalName"; }
  bool isHeadless() const { return clusterIps == Texts{std::string(kNone)}; }
};

// Two Services that prefer dual-stack and say nothing new stay as they are, also when the cluster's families have
// changed.
bool prefersAsBefore(const Linked& now, const Linked& old) {
  bool oldPrefers = old.policy.empty() || old.policy == kPreferDualStack;
  return now.hasAddresses() && now.type == old.type && now.policy == kPreferDualStack && oldPrefers &&
         now.clusterIps == old.clusterIps && now.families == old.families;
}

class FamilyChoice {
 public:
  FamilyChoice(Linked now, const Linked* old, const std::vector<IpFamily>& configured, meta::FieldErrors& errors)
      : now_(std::move(now)), old_(old), configured_(configured), errors_(errors) {}

  const Linked& decide() {
    choosePolicy();
    if (old_) downgrade();
    checkPolicy();
    inferFamilies();
    if (!errors_.empty()) return now_;
    bool anywhere = now_.clusterIp == kNone && !now_.selects;  // whoever keeps its endpoints knows their families
    if (!anywhere) checkConfigured();
    if (errors_.empty()) completeFamilies(anywhere);
    return now_;
  }

 private:
  void invalidPolicy(const char* why) {
    errors_.push_back(meta::invalidField("spec.ipFamilyPolicy", json::Value(now_.policy), why));
  }
  bool isConfigured(std::string_view family) const {
    return std::any_of(configured_.begin(), configured_.end(),
                       [&](IpFamily configured) { return family == base::familyName(configured); });
  }

  // Never from single to dual-stack by itself: an update that names no policy keeps the one there is.
  void choosePolicy() {
    if (!now_.policy.empty()) return;
    bool anywhere = now_.clusterIp == kNone && !now_.selects;
    if (old_ && !old_->policy.empty()) {
      now_.policy = old_->policy;
    } else {
      now_.policy = anywhere ? kRequireDualStack : kSingleStack;
    }
  }

  // The second of each goes with the policy alone where it is repeated unchanged; without the policy it can't go.
  void downgrade() {
    if (now_.policy == kSingleStack) {
      if (now_.clusterIps == old_->clusterIps && now_.clusterIps.size() > 1) now_.clusterIps.resize(1);
      if (now_.families == old_->families && now_.families.size() > 1) now_.families.resize(1);
      return;
    }
    auto reduced = [](const Texts& now, const Texts& old) { return !now.empty() && now.size() < old.size(); };
    if (reduced(now_.clusterIps, old_->clusterIps)) {
      invalidPolicy("must be 'SingleStack' to release the secondary cluster IP");
    }
    if (reduced(now_.families, old_->families)) {
      invalidPolicy("must be 'SingleStack' to release the secondary IP family");
    }
  }

  void checkPolicy() {
    if (now_.policy != kSingleStack) return;
    if (now_.clusterIps.size() == 2) {
      invalidPolicy("must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
    }
    if (now_.families.size() == 2) {
      invalidPolicy("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
    }
  }

  void inferFamilies() {
    for (size_t i = now_.families.size(); i < now_.clusterIps.size(); ++i) {
      auto family = familyOf(now_.clusterIps[i]);
      if (!family) return;
      std::string name = base::familyName(*family);
      if (!isConfigured(name)) {
        errors_.push_back(meta::invalidField(at("clusterIPs", i), listOf(now_.clusterIps),
                                             fmt::format("{} is not configured on this cluster", name)));
      } else {
        now_.families.push_back(std::move(name));
      }
    }
  }

  void checkConfigured() {
    if (now_.policy == kRequireDualStack && configured_.size() < 2) {
      invalidPolicy("this cluster is not configured for dual-stack services");
    }
    for (size_t i = 0; i < now_.families.size(); ++i) {
      if (isConfigured(now_.families[i])) continue;
      errors_.push_back(
          meta::invalidField(at("ipFamilies", i), json::Value(now_.families[i]), "not configured on this cluster"));
    }
  }

  void completeFamilies(bool anywhere) {
    if (now_.families.empty()) now_.families = {base::familyName(configured_.front())};
    bool dual = now_.policy != kSingleStack && (anywhere || configured_.size() == 2);
    if (!dual || now_.families.size() != 1) return;
    now_.families.emplace_back(now_.families[0] == "IPv4" ? "IPv6" : "IPv4");
  }

  Linked now_;
  const Linked* old_;
  const std::vector<IpFamily>& configured_;
  meta::FieldErrors& errors_;
};

void checkFamilyNames(const Linked& now, meta::FieldErrors& errors) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < now.families.size(); ++i) {
    const std::string& family = now.families[i];
    if (family != "IPv4" && family != "IPv6") {
      errors.push_back(meta::notSupportedField(at("ipFamilies", i), json::Value(family), {"IPv4", "IPv6"}));
    }
    if (!seen.insert(family).second) {
      errors.push_back(meta::duplicateField(at("ipFamilies", i), json::Value(family)));
    }
  }
  if (now.policy.empty() || now.policy == kSingleStack || now.policy == kPreferDualStack ||
      now.policy == kRequireDualStack) {
    return;
  }
  errors.push_back(meta::notSupportedField("spec.ipFamilyPolicy", json::Value(now.policy),
                                           {kPreferDualStack, kRequireDualStack, kSingleStack}));
}

// False: what is wrong with an address makes everything else about them moot.
bool checkEachIp(const Linked& now, meta::FieldErrors& errors) {
  bool valid = true;
  for (size_t i = 0; i < now.clusterIps.size(); ++i) {
    const std::string& ip = now.clusterIps[i];
    if (i == 0 && ip == kNone) {
      if (now.clusterIps.size() == 1) continue;
      valid = false;
      errors.push_back(
          meta::invalidField("spec.clusterIPs", listOf(now.clusterIps), "'None' must be the first and only value"));
      continue;
    }
    auto wrong = meta::checkIp(ip);
    valid = valid && wrong.empty();
    addInvalid(at("clusterIPs", i), json::Value(ip), wrong, errors);
  }
  if (now.clusterIps.size() > 2) {
    errors.push_back(meta::invalidField("spec.clusterIPs", listOf(now.clusterIps), "may only hold up to 2 values"));
  }
  return valid;
}

void checkSingularIp(const Linked& now, meta::FieldErrors& errors) {
  auto invalid = [&](const char* why) {
    errors.push_back(meta::invalidField("spec.clusterIPs", listOf(now.clusterIps), why));
  };
  if (now.clusterIp.empty()) {
    if (!now.clusterIps.empty()) invalid("must be empty when `clusterIP` is not specified");
  } else if (now.clusterIps.empty()) {
    errors.push_back(meta::requiredField("spec.clusterIPs"));
  } else if (now.clusterIps[0] != now.clusterIp) {
    invalid("first value must match `clusterIP`");
  }
}

void checkIpFamilies(const Linked& now, meta::FieldErrors& errors) {
  if (now.clusterIps.size() > 1) {
    std::set<std::optional<IpFamily>> seen;
    bool apart = std::all_of(now.clusterIps.begin(), now.clusterIps.end(),
                             [&](const std::string& ip) { return seen.insert(familyOf(ip)).second; });
    if (!apart) {
      errors.push_back(meta::invalidField("spec.clusterIPs", listOf(now.clusterIps),
                                          "may specify no more than one IP for each IP family"));
    }
  }
  if (now.isHeadless()) return;
  for (size_t i = 0; i < std::min(now.clusterIps.size(), now.families.size()); ++i) {
    std::string_view wanted = now.families[i];
    auto family = familyOf(now.clusterIps[i]);
    if (!family || wanted == base::familyName(*family) || (wanted != "IPv4" && wanted != "IPv6")) continue;
    errors.push_back(
        meta::invalidField(at("clusterIPs", i), json::Value(now.clusterIps[i]),
                           fmt::format("expected an {} value as indicated by `ipFamilies[{}]`", wanted, i)));
  }
}

// One of the two lists of a Service, and how its refusals are worded.
struct Pair {
  const char* field;
  const char* unset;
  const char* released;
};
constexpr Pair kIps = {"clusterIPs", "primary clusterIP can not be unset",
                       "must be set to 'SingleStack' when releasing the secondary clusterIP"};
constexpr Pair kFamilies = {"ipFamilies", "primary ipFamily can not be unset",
                            "must be set to 'SingleStack' when releasing the secondary ipFamily"};

void checkChange(const Pair& pair, const Texts& now, const Texts& old, const std::string& policy,
                 meta::FieldErrors& errors) {
  auto invalid = [&](size_t index, const char* why) {
    errors.push_back(meta::invalidField(at(pair.field, index), listOf(now), why));
  };
  if (now.size() == old.size()) {
    for (size_t i = 0; i < old.size(); ++i) {
      if (now[i] != old[i]) invalid(i, kStays);
    }
    return;
  }
  if (now.empty()) return invalid(0, pair.unset);
  if (!old.empty() && now[0] != old[0]) invalid(0, kStays);
  if (now.size() < old.size() && now.size() == 1 && policy != kSingleStack) {
    errors.push_back(meta::invalidField("spec.ipFamilyPolicy", json::Value(policy), pair.released));
  }
}

}  // namespace

std::vector<std::string> textsAt(const json::Object& spec, std::string_view field) {
  Texts texts;
  for (const json::Value& item : arrayAt(spec, field)) texts.emplace_back(textOf(item));
  return texts;
}

void keepClusterIps(json::Object& spec, const json::Object& before) {
  if (getString(before, "type") == "ExternalName" || getString(spec, "type") == "ExternalName") return;
  if (getString(spec, "clusterIP").empty()) {
    if (const json::Value* ip = before.if_contains("clusterIP")) spec["clusterIP"] = *ip;
  }
  if (arrayAt(spec, "clusterIPs").empty()) {
    if (const json::Value* ips = before.if_contains("clusterIPs")) spec["clusterIPs"] = *ips;
  }
}

void agreeOnClusterIps(json::Object& spec, const json::Object* before) {
  std::string ip(getString(spec, "clusterIP"));
  Texts ips = textsAt(spec, "clusterIPs");
  std::string_view oldIp = before ? getString(*before, "clusterIP") : "";
  bool untouched = before ? ips == textsAt(*before, "clusterIPs") : ips.empty();
  if (ip == oldIp || !untouched) return;
  if (ip.empty()) {
    spec.erase("clusterIPs");
  } else {
    spec["clusterIPs"] = listOf({ip});
  }
}

void applyFamilies(json::Object& spec, const json::Object* before, const std::vector<IpFamily>& configured,
                   meta::FieldErrors& errors) {
  Linked now = Linked::of(spec);
  std::optional<Linked> old = before ? std::optional(Linked::of(*before)) : std::nullopt;
  if (!now.hasAddresses() || (old && prefersAsBefore(now, *old))) return;
  checkClusterIps(spec, errors);
  if (!errors.empty()) return;
  FamilyChoice choice(now, old ? &*old : nullptr, configured, errors);
  const Linked& chosen = choice.decide();
  if (!errors.empty()) return;
  spec["ipFamilyPolicy"] = chosen.policy;
  spec["ipFamilies"] = listOf(chosen.families);
  if (!chosen.clusterIps.empty()) spec["clusterIPs"] = listOf(chosen.clusterIps);
}

void checkClusterIps(const json::Object& spec, meta::FieldErrors& errors) {
  Linked now = Linked::of(spec);
  if (!now.hasAddresses()) return;
  checkSingularIp(now, errors);
  checkFamilyNames(now, errors);
  if (checkEachIp(now, errors)) checkIpFamilies(now, errors);
}

void checkFamilyChanges(const json::Object& spec, const json::Object& before, meta::FieldErrors& errors) {
  Linked now = Linked::of(spec), old = Linked::of(before);
  if (!now.hasAddresses() || !old.hasAddresses()) return;
  if (now.isHeadless() && old.isHeadless()) return;  // its families are free
  checkChange(kIps, now.clusterIps, old.clusterIps, now.policy, errors);
  if (now.isHeadless() == old.isHeadless()) checkChange(kFamilies, now.families, old.families, now.policy, errors);
}

}  // namespace wherry::apiserver
