// Binders: write Bindings, several at a time, so that those that come together are on the disk together; the scheduler
// decides on meanwhile, as if they were written. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/event_recorder.h"
#include "scheduler/attempts.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class Binders {
 public:
  struct Job {
    PodInfoPtr pod;
    std::string node;
    Trial trial;
    std::chrono::steady_clock::time_point begun;  // this attempt
  };
  // Called on a binder's thread.
  using OnFailure = std::function<void(const PodInfoPtr& pod, const meta::StatusError& error)>;

  Binders(client::Client& client, client::EventRecorder& events, OnFailure onFailure);
  ~Binders();  // ends after those that are being written; the others are lost, and their pods found pending again
  Binders(const Binders&) = delete;
  Binders& operator=(const Binders&) = delete;

  void bind(Job job);

 private:
  void run(std::stop_token stop);
  void write(const Job& job);

  client::Client& client_;
  client::EventRecorder& events_;
  const OnFailure onFailure_;
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::deque<Job> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace wherry::scheduler
