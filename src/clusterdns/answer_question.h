// What an Answerer is at: the question, or what it is an alias for. For its own files only.
#pragma once

#include <string_view>

#include "clusterdns/answer.h"

namespace wherry::clusterdns {

struct Answerer::Question {
  const Zone& zone;
  const dns::Query& query;
  dns::ResponseWriter& writer;
  const dns::LowerName& name;  // the question's, or what it is an alias for
  dns::Owner owner;            // the same, where it stands in the response
  size_t own;                  // labels in front of the domain
  unsigned aliases = 0;        // followed so far

  dns::Type type() const { return query.qtype(); }
  std::string_view label(size_t index) const { return name.label(index); }
  // The labels from `first` up to (not including) `last`, in wire form.
  std::string_view labels(size_t first, size_t last) const {
    return name.from(first).substr(0, name.from(first).size() - name.from(last).size());
  }
};

}  // namespace wherry::clusterdns
