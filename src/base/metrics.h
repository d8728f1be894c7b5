// Numbers about the process, in families of series, and their text form (the Prometheus exposition format, version
// 0.0.4, and OpenMetrics 1.0).
//
//   base::metrics::Family<Counter> requests("apiserver_request_total", "Requests answered.", {"verb", "code"});
//   requests.with({"GET", "200"}).add();
//
// Counting takes no lock: each thread adds to a slot of its own, and a scrape sums them. `with` looks into a cache of
// the thread; only the first use of a series by a thread takes the family's lock. Series are never removed: label
// values must come from a bounded set. Safe from any thread; a family lives as long as the process.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace wherry::base::metrics {

// The slot of the calling thread.
inline constexpr size_t kSlots = 8;
size_t ownSlot();

template <typename T>
class Slotted {
 public:
  void add(T amount) { slots_[ownSlot()].value.fetch_add(amount, std::memory_order_relaxed); }
  T sum() const {
    T total = 0;
    for (const auto& slot : slots_) total += slot.value.load(std::memory_order_relaxed);
    return total;
  }

 private:
  struct alignas(64) Slot {
    std::atomic<T> value{0};
  };
  std::array<Slot, kSlots> slots_;
};

class Counter {
 public:
  static constexpr const char* kType = "counter";
  void add(uint64_t amount = 1) { count_.add(amount); }
  uint64_t value() const { return count_.sum(); }

 private:
  Slotted<uint64_t> count_;
};

class Gauge {
 public:
  static constexpr const char* kType = "gauge";
  void add(int64_t amount) { value_.add(amount); }
  int64_t value() const { return value_.sum(); }

 private:
  Slotted<int64_t> value_;
};

// Of amounts that are not negative, in buckets by their upper bounds.
class Histogram {
 public:
  static constexpr const char* kType = "histogram";
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}
  void observe(double amount);

  std::span<const double> bounds() const { return bounds_; }
  std::vector<uint64_t> cumulative() const;  // one for each bound, and for +Inf
  double sum() const { return static_cast<double>(micro_.sum()) / 1e6; }

 private:
  std::span<const double> bounds_;
  std::deque<std::atomic<uint64_t>> counts_;
  Slotted<uint64_t> micro_;  // the sum, in millionths
};

enum class Format { kPrometheus, kOpenMetrics };

class FamilyBase {
 public:
  virtual ~FamilyBase() = default;
  virtual const std::string& name() const = 0;
  virtual void render(Format format, std::string& to) const = 0;
};

// The text of one family whose numbers are read at the moment: `{labels}` (or "") and value of each series.
void renderRead(Format format, std::string_view name, const char* type, std::string_view help,
                const std::vector<std::pair<std::string, double>>& series, std::string& to);
// {a="1",b="2"}
std::string renderLabels(std::span<const std::string_view> names, std::span<const std::string_view> values);
// The end of a whole page.
std::string_view pageEnd(Format format);
std::string_view contentType(Format format);
// What an Accept header asks for.
Format chooseFormat(std::string_view accept);

namespace detail {
void renderHead(Format format, std::string_view name, const char* type, std::string_view help, std::string& to);
void renderSeries(Format format, std::string_view name, std::string_view labels, const Counter& counter,
                  std::string& to);
void renderSeries(Format format, std::string_view name, std::string_view labels, const Gauge& gauge, std::string& to);
void renderSeries(Format format, std::string_view name, std::string_view labels, const Histogram& histogram,
                  std::string& to);
}  // namespace detail

template <typename T>
class Family : public FamilyBase {
 public:
  Family(std::string name, std::string help, std::vector<std::string_view> labels, std::span<const double> bounds = {})
      : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)), bounds_(bounds) {}
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  // REQUIRES: a value for each label.
  T& with(std::initializer_list<std::string_view> values) {
    thread_local std::unordered_map<std::string, T*> cache;  // of all families of this type
    thread_local std::string key;
    key.assign(name_);
    for (auto value : values) key.append(1, '\0').append(value);
    auto [at, added] = cache.try_emplace(key, nullptr);
    if (added) at->second = &find(std::vector<std::string_view>(values));
    return *at->second;
  }

  const std::string& name() const override { return name_; }
  void render(Format format, std::string& to) const override {
    std::lock_guard lock(mutex_);
    if (series_.empty()) return;
    detail::renderHead(format, name_, T::kType, help_, to);
    for (const auto& [labels, series] : series_) detail::renderSeries(format, name_, labels, *series, to);
  }

 private:
  T& find(const std::vector<std::string_view>& values) {
    std::lock_guard lock(mutex_);
    auto& series = series_[renderLabels(labels_, values)];
    if (!series) {
      if constexpr (std::is_constructible_v<T, std::span<const double>>) {
        series = std::make_unique<T>(bounds_);
      } else {
        series = std::make_unique<T>();
      }
    }
    return *series;
  }

  const std::string name_, help_;
  const std::vector<std::string_view> labels_;
  const std::span<const double> bounds_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<T>> series_;
};

}  // namespace wherry::base::metrics
