// Withdrawals: what HAProxy has refused, so that it isn't asked for again with every change of something else. What was
// refused stays out until its object asks for something else. Not thread-safe. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ingress/routing.h"

namespace wherry::ingress {

class Withdrawals {
 public:
  // Takes out of the model what was refused when it asked for the same, and answers with what there is to say of it.
  std::vector<Complaint> apply(Model& model);

  // Takes what `culprit` asked for out of the model: at first its routes stay and answer 503, so that none that is less
  // particular gets their requests; where that has been refused too they go. False when it has nothing in it.
  // `asked` is the model before anything was taken out, `words` are HAProxy's.
  bool add(Model& model, const Model& asked, const Origin& culprit, const std::string& words);

  // Another HAProxy may take it.
  void forget() { all_.clear(); }

 private:
  struct Withdrawn {
    Model asked;  // what it had in it
    int times;
    std::string words;
  };
  std::map<Origin, Withdrawn> all_;
};

// Of the model what `origin` asked for. Pure.
Model partOf(const Model& model, const Origin& origin);

}  // namespace wherry::ingress
