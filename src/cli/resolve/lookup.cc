#include "cli/resolve/lookup.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/resolve/reasons.h"

namespace wherry::cli {
namespace {

const json::Array& recordsOf(const json::Value& answer) {
  static const json::Array kNone;
  const json::Value* records = json::find(answer, "answer");
  return records && records->is_array() ? records->get_array() : kNone;
}

// An alias alone is no answer to a question for something else.
bool answers(const json::Value& record, std::string_view type) { return json::getString(record, "type") == type; }

std::string row(std::string_view type, std::string_view data, const std::string& ttl, std::string_view from) {
  return fmt::format("  {:<7} {:<24} {:<5} {}\n", type, data, ttl, from);
}

std::string renderRecords(const Explained& explained) {
  std::string text;
  for (const Origin& record : explained.records) {
    bool own = base::equalsIgnoreCase(record.name, explained.name);
    std::string from = own ? record.from : fmt::format("{} ({})", record.from, record.name);
    text += row(record.type, record.data, fmt::format("{} s", record.ttl), from);
  }
  return text;
}

json::Value toJson(const Explained& explained) {
  json::Array records;
  for (const Origin& record : explained.records) {
    records.push_back({{"name", record.name},
                       {"type", record.type},
                       {"data", record.data},
                       {"ttl", record.ttl},
                       {"from", record.from}});
  }
  return {{"name", explained.name},
          {"type", explained.type},
          {"rcode", explained.rcode},
          {"records", std::move(records)},
          {"why", explained.why}};
}

}  // namespace

bool hasRecords(const Asked& asked) {
  const auto& records = recordsOf(asked.answer);
  return std::any_of(records.begin(), records.end(), [&](auto& record) { return answers(record, asked.type); });
}

Explained explain(const NameFacts& facts, const Asked& asked) {
  Explained explained{.name = asked.name, .type = asked.type};
  explained.rcode = json::getString(asked.answer, "rcode");
  for (const json::Value& record : recordsOf(asked.answer)) {
    std::string name(json::getString(record, "name")), type(json::getString(record, "type"));
    std::string data(json::getString(record, "data"));
    explained.records.push_back({.name = name,
                                 .type = type,
                                 .data = data,
                                 .ttl = json::getInt(record, "ttl"),
                                 .from = originOf(facts, name, type, data)});
  }
  if (explained.rcode.empty()) {
    explained.why = json::getString(asked.answer, "failure");
  } else if (!hasRecords(asked)) {
    explained.why = whyNothing(facts, asked.name, asked.type, explained.rcode);
  }
  return explained;
}

bool Lookup::found() const {
  return std::any_of(answers.begin(), answers.end(), [](auto& explained) { return explained.why.empty(); });
}

std::string renderText(const Lookup& lookup) {
  std::string text, name;
  for (size_t i = 0; i < lookup.answers.size(); ++i) {
    const Explained& explained = lookup.answers[i];
    if (explained.name != name) text += explained.name + "\n";
    name = explained.name;
    text += renderRecords(explained);
    if (explained.why.empty()) continue;
    // Types that have nothing for the same reason are one line.
    std::string types = explained.type;
    for (; i + 1 < lookup.answers.size(); ++i) {
      const Explained& next = lookup.answers[i + 1];
      if (next.name != name || next.why != explained.why || !next.records.empty()) break;
      types += "," + next.type;
    }
    std::string rcode = explained.rcode.empty()        ? "no answer"
                        : explained.rcode == "NOERROR" ? "NODATA"
                                                       : explained.rcode;
    text += row(types, rcode, "", explained.why);
  }
  for (const std::string& what : lookup.unread) text += fmt::format("not everything could be read: {}\n", what);
  return text;
}

json::Value renderJson(const Lookup& lookup) {
  json::Array answers;
  for (const Explained& explained : lookup.answers) answers.push_back(toJson(explained));
  return {{"name", lookup.name},
          {"found", lookup.found()},
          {"answers", std::move(answers)},
          {"unread", json::Array(lookup.unread.begin(), lookup.unread.end())}};
}

}  // namespace wherry::cli
