// What tests ask of metrics: one series' value.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace wherry::base::metrics {

// Of a series as a page names it: `requests_total{code="200"}`; 0 when it is not there.
inline double valueOf(const std::vector<const FamilyBase*>& families, const std::string& series) {
  std::string page = "\n";
  for (const FamilyBase* family : families) family->render(Format::kPrometheus, page);
  const size_t at = page.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::strtod(page.c_str() + at + series.size() + 2, nullptr);
}

}  // namespace wherry::base::metrics
