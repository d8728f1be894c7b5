#include "storage/checkpointer.h"

#include "base/log.h"

namespace wherry::storage {

namespace {

constexpr int kManyPages = 4096;  // 16 MiB

const base::Log& log() {
  static const base::Log kLog("storage");
  return kLog;
}

}  // namespace

Checkpointer::Checkpointer(const std::string& path, const std::string& vfs)
    : connection_(path, vfs), startAt_(kManyPages), thread_([this](std::stop_token stop) { loop(stop); }) {}

void Checkpointer::committed(sqlite::Connection& committing) {
  int pages = committing.logPages();
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::kAsked) return;
  if (pages < kManyPages) startAt_ = kManyPages;  // the log has begun anew
  bool rest = phase_ == Phase::kDone && pages >= kManyPages;
  phase_ = Phase::kIdle;
  if (rest) {
    lock.unlock();
    startAt_ = pages + kManyPages;  // holds unless the next commit begins the log anew
    move(committing);
  } else if (pages >= startAt_) {
    phase_ = Phase::kAsked;
    asked_.notify_one();
  }
}

void Checkpointer::loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (asked_.wait(lock, stop, [&] { return phase_ == Phase::kAsked; })) {
    lock.unlock();
    move(connection_);
    lock.lock();
    phase_ = Phase::kDone;
  }
}

void Checkpointer::move(sqlite::Connection& connection) {
  try {
    connection.checkpoint();
  } catch (const sqlite::Error& error) {
    log().warn("the write-ahead log can't be moved into the database, it grows: {}", error.what());
  }
}

void Checkpointer::keepLogOnClose() {
  thread_.request_stop();
  thread_.join();
  connection_.keepLogOnClose();
}

}  // namespace wherry::storage
