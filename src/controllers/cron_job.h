// The CronJob controller: makes Jobs by a schedule.
//
// A Job is named after the minute for which it was made, so that none is made twice, whoever was killed when. Of times
// that were missed the latest is made good, unless that is later than startingDeadlineSeconds. The controller sleeps
// until the next time that is due.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/job.h"
#include "json/value.h"
#include "meta/cron_schedule.h"
#include "views/batch_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeCronJobController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

// When the Jobs of a CronJob are due.
struct DueTimes {
  std::optional<base::WallTime> latest;  // the last time that is past, if there is one since the last Job
  std::optional<base::WallTime> next;    // the first one to come
  bool manyMissed = false;               // more than 100
};
DueTimes dueTimes(const batch_v1::CronJob& cronJob, const meta::CronSchedule& schedule, const meta::TimeZone& zone,
                  base::WallTime now);

struct CronJobActions {
  std::optional<base::WallTime> start;  // make the Job for this time,
  std::vector<batch_v1::Job> replace;   // after these have been deleted
  std::vector<batch_v1::Job> cleanUp;   // of the past, more than shall be kept
  std::optional<base::WallTime> next;   // when the next one is due
  std::vector<JobEvent> events;
  json::Object status;  // as it is before anything of this is done
};
// `jobs`: those that it controls. `zone`: that of spec.timeZone, or the machine's own; nothing when it is unknown.
CronJobActions decideCronJob(const batch_v1::CronJob& cronJob, const std::vector<batch_v1::Job>& jobs,
                             const std::optional<meta::TimeZone>& zone, base::WallTime now);

std::string cronJobJobName(const batch_v1::CronJob& cronJob, base::WallTime scheduled);
json::Value jobOfCronJob(const batch_v1::CronJob& cronJob, base::WallTime scheduled, const meta::TimeZone& zone);

// `status` with one more active Job, or one less.
void addActive(json::Object& status, const batch_v1::Job& job, base::WallTime scheduled);
void removeActive(json::Object& status, std::string_view uid);

}  // namespace wherry::controllers
