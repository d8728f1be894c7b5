#include <algorithm>

#include <fmt/format.h>

#include "controllers/cron_job.h"
#include "meta/time.h"

namespace wherry::controllers {

using base::WallTime;
using batch_v1::CronJob;
using batch_v1::Job;
using std::chrono::seconds;

namespace {

// The last time up to `now`, `first` being one. What is looked at backwards is doubled until there is one.
WallTime lastUntil(const meta::CronSchedule& schedule, const meta::TimeZone& zone, WallTime first, WallTime now) {
  const auto second = schedule.next(first, zone);
  if (!second || *second > now) return first;
  // "@every" counts from where it began.
  const auto period = *second - first;
  WallTime last = first + (now - first) / period * period;
  if (schedule.isInterval()) return last;
  for (auto span = 2 * period; now - span > first; span *= 2) {
    if (const auto later = schedule.next(now - span, zone); later && *later <= now) {
      first = *later;
      break;
    }
  }
  for (last = first; const auto later = schedule.next(last, zone);) {
    if (*later > now) break;
    last = *later;
  }
  return last;
}

int64_t countBetween(const meta::CronSchedule& schedule, const meta::TimeZone& zone, WallTime first, WallTime now) {
  const auto second = schedule.next(first, zone);
  return second ? (now - first) / (*second - first) + 1 : 1;
}

const json::Array& activeOf(const json::Object& status) {
  static const json::Array none;
  const auto* active = status.if_contains("active");
  return active && active->is_array() ? active->get_array() : none;
}

bool isActive(const json::Object& status, std::string_view field, std::string_view value) {
  const auto& active = activeOf(status);
  return std::any_of(active.begin(), active.end(),
                     [&](const json::Value& reference) { return json::getString(reference, field) == value; });
}

// RFC 1123 with a numeric zone, as the message has it.
std::string rfc1123(WallTime time) {
  static const char* const kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char* const kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

// "2026-01-01T09:00:00+01:00"
std::string formatIn(WallTime time, const meta::TimeZone& zone) {
  const auto offset = std::chrono::duration_cast<std::chrono::minutes>(zone.offsetAt(time)).count();
  if (offset == 0) return meta::formatTime(time);
  std::string text = meta::formatTime(time + zone.offsetAt(time));
  text.pop_back();
  return text + fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

class Round {
 public:
  Round(const CronJob& cronJob, const std::vector<Job>& jobs, const std::optional<meta::TimeZone>& zone, WallTime now)
      : cronJob_(cronJob), jobs_(jobs), zone_(zone), now_(now) {
    actions_.status = cronJob.status().tree();
  }

  CronJobActions decide() && {
    for (const auto& job : jobs_) look(job);
    forgetMissing();
    cleanUp();
    if (!cronJob_.metadata().deleting()) schedule();
    return std::move(actions_);
  }

 private:
  void tell(bool warning, std::string reason, std::string message) {
    actions_.events.push_back({warning, std::move(reason), std::move(message)});
  }

  void look(const Job& job) {
    const auto uid = job.metadata().uid();
    const auto finished = finishedCondition(job);
    const bool known = isActive(actions_.status, "uid", uid);
    if (!finished && !known) {
      tell(true, "UnexpectedJob",
           fmt::format("Saw a job that the controller did not create or forgot: {}", job.metadata().name()));
    } else if (finished && known) {
      removeActive(actions_.status, uid);
      tell(false, "SawCompletedJob",
           fmt::format("Saw completed job: {}, condition: {}", job.metadata().name(), finished.type()));
    }
    if (finished && finished.type() == "Complete") noteSuccess(job.status().completionTime());
  }

  void noteSuccess(std::string_view at) {
    const auto ended = meta::parseTime(at);
    const auto known = meta::parseTime(json::getString(actions_.status, "lastSuccessfulTime"));
    if (ended && (!known || *ended > *known)) actions_.status["lastSuccessfulTime"] = at;
  }

  void forgetMissing() {
    const json::Array active = activeOf(actions_.status);
    for (const auto& reference : active) {
      const auto uid = json::getString(reference, "uid");
      const bool there =
          std::any_of(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.metadata().uid() == uid; });
      if (there) continue;
      removeActive(actions_.status, uid);
      tell(false, "MissingJob", fmt::format("Active job went missing: {}", json::getString(reference, "name")));
    }
  }

  void cleanUp() {
    cleanUp("Complete", cronJob_.spec().successfulJobsHistoryLimitOr(3));
    cleanUp("Failed", cronJob_.spec().failedJobsHistoryLimitOr(1));
  }

  void cleanUp(std::string_view type, int64_t limit) {
    std::vector<Job> ended;
    for (const auto& job : jobs_) {
      if (finishedCondition(job).type() == type && !job.metadata().deleting()) ended.push_back(job);
    }
    const auto key = [](const Job& job) {
      const auto start = job.status().startTime();
      return std::tuple(start.empty(), start, job.metadata().name());  // those that never started last
    };
    std::sort(ended.begin(), ended.end(), [&](const Job& a, const Job& b) { return key(a) < key(b); });
    const auto excess = std::max<int64_t>(0, std::ssize(ended) - limit);
    actions_.cleanUp.insert(actions_.cleanUp.end(), ended.begin(), ended.begin() + excess);
  }

  // -- the next Job ------------------------------------------------------------------------------------------------

  void schedule() {
    const auto spec = cronJob_.spec();
    if (!zone_) {
      tell(true, "UnknownTimeZone",
           fmt::format("invalid timeZone: \"{}\": unknown time zone {}", spec.timeZone(), spec.timeZone()));
      return;
    }
    if (spec.suspend()) return;
    const auto parsed = meta::CronSchedule::parse(spec.schedule());
    if (!parsed.schedule) {
      tell(true, "UnparseableSchedule",
           fmt::format("unparseable schedule: \"{}\" : {}", spec.schedule(), parsed.error));
      return;
    }
    const auto due = dueTimes(cronJob_, *parsed.schedule, *zone_, now_);
    actions_.next = due.next;
    if (!due.latest) return;
    if (due.manyMissed) {
      tell(true, "TooManyMissedTimes",
           "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
    }
    start(*due.latest);
  }

  void start(WallTime scheduled) {
    const auto spec = cronJob_.spec();
    if (isActive(actions_.status, "name", cronJobJobName(cronJob_, scheduled)) ||
        json::getString(actions_.status, "lastScheduleTime") == meta::formatTime(scheduled)) {
      return;
    }
    if (spec.hasStartingDeadlineSeconds() && scheduled + seconds(spec.startingDeadlineSeconds()) < now_) {
      return tell(true, "MissSchedule", "Missed scheduled time to start a job: " + rfc1123(scheduled));
    }
    const bool busy = !activeOf(actions_.status).empty();
    if (busy && spec.concurrencyPolicy() == "Forbid") {
      return tell(false, "JobAlreadyActive",
                  "Not starting job because prior execution is running and concurrency policy is Forbid");
    }
    if (busy && spec.concurrencyPolicy() == "Replace") {
      for (const auto& job : jobs_) {
        if (isActive(actions_.status, "uid", job.metadata().uid())) actions_.replace.push_back(job);
      }
    }
    actions_.start = scheduled;
  }

  const CronJob& cronJob_;
  const std::vector<Job>& jobs_;
  const std::optional<meta::TimeZone>& zone_;
  WallTime now_;
  CronJobActions actions_;
};

}  // namespace

DueTimes dueTimes(const CronJob& cronJob, const meta::CronSchedule& schedule, const meta::TimeZone& zone,
                  WallTime now) {
  const auto lastStart = meta::parseTime(cronJob.status().lastScheduleTime());
  const auto created = meta::parseTime(cronJob.metadata().creationTimestamp());
  const auto begin = lastStart ? *lastStart : created.value_or(now);
  DueTimes due;
  // What is too late anyway isn't counted as missed.
  auto earliest = begin;
  if (cronJob.spec().hasStartingDeadlineSeconds()) {
    earliest = std::max(earliest, now - seconds(cronJob.spec().startingDeadlineSeconds()));
  }
  const auto first = schedule.next(schedule.isInterval() ? begin : earliest, zone);
  if (!first || *first > now) {
    due.next = first;
    return due;
  }
  due.latest = lastUntil(schedule, zone, *first, now);
  constexpr int64_t kMany = 100;
  due.manyMissed = countBetween(schedule, zone, *first, now) > kMany;
  due.next = schedule.next(*due.latest, zone);
  return due;
}

CronJobActions decideCronJob(const CronJob& cronJob, const std::vector<Job>& jobs,
                             const std::optional<meta::TimeZone>& zone, WallTime now) {
  return Round(cronJob, jobs, zone, now).decide();
}

std::string cronJobJobName(const CronJob& cronJob, WallTime scheduled) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(scheduled).time_since_epoch().count();
  return fmt::format("{}-{}", cronJob.metadata().name(), minutes);
}

json::Value jobOfCronJob(const CronJob& cronJob, WallTime scheduled, const meta::TimeZone& zone) {
  const auto jobTemplate = cronJob.spec().jobTemplate();
  json::Object metadata{{"name", cronJobJobName(cronJob, scheduled)}, {"namespace", cronJob.metadata().ns()}};
  for (const auto field : {"labels", "annotations"}) {
    if (const auto* value = jobTemplate.metadata().tree().if_contains(field)) metadata[field] = *value;
  }
  json::ensureObject(metadata, "annotations")["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
      formatIn(scheduled, cronJob.spec().hasTimeZone() ? zone : meta::TimeZone());
  metadata["ownerReferences"] = json::Array{meta::controllerReference(*cronJob.object())};
  return json::Object{{"apiVersion", "batch/v1"},
                      {"kind", "Job"},
                      {"metadata", std::move(metadata)},
                      {"spec", jobTemplate.spec().tree()}};
}

void addActive(json::Object& status, const Job& job, WallTime scheduled) {
  const auto metadata = job.metadata();
  json::ensureArray(status, "active")
      .push_back(json::Object{{"kind", "Job"},
                              {"namespace", metadata.ns()},
                              {"name", metadata.name()},
                              {"uid", metadata.uid()},
                              {"apiVersion", "batch/v1"},
                              {"resourceVersion", metadata.resourceVersion()}});
  status["lastScheduleTime"] = meta::formatTime(scheduled);
}

void removeActive(json::Object& status, std::string_view uid) {
  json::Array kept;
  for (const auto& reference : activeOf(status)) {
    if (json::getString(reference, "uid") != uid) kept.push_back(reference);
  }
  if (kept.empty()) {
    status.erase("active");
  } else {
    status["active"] = std::move(kept);
  }
}

}  // namespace wherry::controllers
