#include "policy/enforcement.h"

#include <algorithm>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/guarded.h"
#include "base/log.h"
#include "base/strings.h"
#include "client/pending_changes.h"
#include "linux/nft/kept_table.h"
#include "linux/nft/table_watch.h"
#include "policy/isolation.h"
#include "policy/kernel_table.h"
#include "views/core_v1.h"
#include "views/networking_v1.h"

namespace wherry::policy {
namespace {

const base::Log kLog("policy");

using Clock = std::chrono::steady_clock;
using linux::nft::KeptTable;

enum class Kind : uint8_t { kPolicy, kPod, kNamespace };
struct Changed {
  Kind kind;
  std::string key;  // "namespace/name"
  auto operator<=>(const Changed&) const = default;
};
using Pending = client::PendingChanges<Changed>;

constexpr std::chrono::seconds kRemovalRetry{5};

constexpr double kSeconds[] = {0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
                               0.064,  0.128, 0.256, 0.512, 1.024, 2.048, 4.096};
struct Families {
  base::metrics::Family<base::metrics::Histogram> programming{
      "wherry_network_policy_programming_duration_seconds",
      "How long changes of policies, pods and namespaces took until the kernel judged by them.",
      {},
      kSeconds};
};
Families& families() {
  static Families all;
  return all;
}

std::string nameOf(base::IpFamily family) {
  return fmt::format("{} {}", family == base::IpFamily::kIPv4 ? "ip" : "ip6", kTable);
}

// The policies in one family: what the kernel shall have of them, and has.
class FamilyTable {
 public:
  FamilyTable(const base::IpPrefix& ownPods, std::function<void()> gone)
      : isolation(ownPods.family(), ownPods),
        kernel_(ownPods),
        kept_(nameOf(ownPods.family()), kLog),
        watch_(kTable, std::move(gone), ownPods.family()) {
    kept_.open();
  }

  const std::optional<Clock::time_point>& retryAt() const { return kept_.retryAt(); }
  void repair() { kept_.repair(); }
  void write() {
    ContentChange change = isolation.settle();
    kept_.apply([&] { kernel_.apply(change); }, [&] { kernel_.replace(isolation.content()); });
  }

  Isolation isolation;

 private:
  KernelTable kernel_;
  KeptTable kept_;
  linux::nft::TableWatch watch_;
};

}  // namespace

struct Enforcement::State {
  State(client::InformerFactory& informers, const EnforcementOptions& options)
      : policies(informers.informer(networking_v1::NetworkPolicy::kResource())),
        pods(informers.informer(core_v1::Pod::kResource())),
        namespaces(informers.informer(core_v1::Namespace::kResource())) {
    for (std::string_view text : base::split(options.podCidr, ',')) {
      if (auto range = base::IpPrefix::parse(text)) ranges.push_back(*range);
    }
  }

  void follow();
  void run(std::stop_token stop);
  void begin();
  void end();
  void announce();
  void update(const Pending::Taken& taken);
  void read(const Changed& changed);
  std::optional<Clock::time_point> retryAt() const;

  client::Informer& policies;
  client::Informer& pods;
  client::Informer& namespaces;
  std::vector<base::IpPrefix> ranges;
  base::Guarded<bool> active;  // there is a policy, so changes of the others count
  Pending pending;
  std::vector<std::unique_ptr<FamilyTable>> tables;  // none while there is no policy
  std::optional<Clock::time_point> removalAt;        // when it is tried again to remove what the kernel has
  int64_t judged = 0;                                // of pods: up to here the table has them
  base::Published<int64_t> applied;
  std::jthread thread;
};

void Enforcement::State::follow() {
  auto handler = [this](Kind kind) {
    return [this, kind](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
      if (kind == Kind::kPolicy || active.copy()) pending.add({kind, (after ? after : before)->key().text()});
      if (kind == Kind::kPolicy && after) announce();
    };
  };
  auto finish = [this] {
    if (active.copy()) pending.finish();
  };
  policies.addHandler({.onChange = handler(Kind::kPolicy),
                       .onSynced = [this] { pending.finish(); },
                       .onRevision = [this](int64_t) { pending.finish(); }});
  namespaces.addHandler(
      {.onChange = handler(Kind::kNamespace), .onSynced = finish, .onRevision = [=](int64_t) { finish(); }});
  pods.addHandler({.onChange = handler(Kind::kPod), .onSynced = finish, .onRevision = [this](int64_t revision) {
                     if (active.copy()) pending.finish(revision);
                   }});
}

std::optional<Clock::time_point> Enforcement::State::retryAt() const {
  std::optional<Clock::time_point> first = removalAt;
  for (const auto& table : tables) {
    auto at = table->retryAt();
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

// The first policy came: everything is looked at, and from now on whatever changes.
void Enforcement::State::begin() {
  active.with([](bool& now) { now = true; });
  for (const base::IpPrefix& range : ranges) {
    tables.push_back(std::make_unique<FamilyTable>(range, [this] { pending.finishWithoutTable(); }));
  }
  auto readAll = [&](Kind kind, const client::Informer& informer) {
    auto all = informer.list();
    // Of two pods that say that they have an address, one that said so last has it.
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a->revision() < b->revision(); });
    for (const meta::ObjectPtr& object : all) read({kind, object->key().text()});
  };
  readAll(Kind::kNamespace, namespaces);
  readAll(Kind::kPolicy, policies);
  readAll(Kind::kPod, pods);
}

// A pod that is made after a policy doesn't start before the policy's table is there.
void Enforcement::State::announce() {
  active.with([this](bool now) {
    if (!now && *applied.load() == kNothingToJudge) applied.publish(0);
  });
}

// The last one is gone, or there was none: nobody is isolated.
void Enforcement::State::end() {
  active.with([](bool& now) { now = false; });
  tables.clear();
  removalAt.reset();
  try {
    removePolicyRules();
  } catch (const std::exception& error) {
    kLog.error("pods stay isolated though there is no NetworkPolicy; trying again: {}", error.what());
    removalAt = Clock::now() + kRemovalRetry;
    return;
  }
  applied.publish(kNothingToJudge);
  if (!policies.list().empty()) announce();  // one came just now
}

void Enforcement::State::read(const Changed& changed) {
  auto key = meta::ObjectKey::parse(changed.key);
  if (changed.kind == Kind::kPolicy) {
    auto object = policies.get(key);
    auto policy = object ? std::optional(readNetworkPolicy(*object)) : std::nullopt;
    for (const auto& table : tables) table->isolation.setPolicy(changed.key, policy);
  } else if (changed.kind == Kind::kPod) {
    auto object = pods.get(key);
    auto pod = object ? std::optional(readPod(object)) : std::nullopt;
    for (const auto& table : tables) table->isolation.setPod(changed.key, pod);
  } else {
    auto object = namespaces.get(key);
    const json::Object* labels = object ? &object->metadata().labels() : nullptr;
    for (const auto& table : tables) table->isolation.setNamespace(changed.key, labels);
  }
}

void Enforcement::State::update(const Pending::Taken& taken) {
  bool any = !policies.list().empty();
  if (!any) return tables.empty() && *applied.load() == kNothingToJudge ? void() : end();
  removalAt.reset();
  auto start = Clock::now();
  if (tables.empty()) {
    judged = pods.revision();
    begin();
  } else {
    for (const Changed& changed : taken.keys) read(changed);
  }
  judged = std::max(judged, taken.revision);  // which is 0 until a pod changes
  for (const auto& table : tables) {
    if (taken.tableGone) table->repair();
    table->write();
  }
  if (retryAt()) return;
  families().programming.with({}).observe(std::chrono::duration<double>(Clock::now() - start).count());
  applied.publish(judged);
}

void Enforcement::State::run(std::stop_token stop) {
  if (!policies.waitSynced(stop) || !pods.waitSynced(stop) || !namespaces.waitSynced(stop)) return;
  if (policies.list().empty()) end();
  std::optional<Pending::Taken> taken = Pending::Taken();
  for (; taken; taken = pending.take(stop, retryAt())) update(*taken);
}

Enforcement::Enforcement(client::InformerFactory& informers, const EnforcementOptions& options)
    : state_(std::make_unique<State>(informers, options)) {
  state_->follow();
}

Enforcement::~Enforcement() { stop(); }

void Enforcement::start() {
  state_->thread = std::jthread([state = state_.get()](std::stop_token stop) { state->run(stop); });
}

void Enforcement::stop() { state_->thread = {}; }

const base::Published<int64_t>& Enforcement::applied() const { return state_->applied; }

std::vector<const base::metrics::FamilyBase*> metricFamilies() { return {&families().programming}; }

}  // namespace wherry::policy
