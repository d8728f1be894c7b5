#include "cli/status_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::cli {
namespace {

std::string humanBytes(int64_t bytes) {
  if (bytes < 0) return "?";
  auto number = static_cast<double>(bytes);
  if (bytes >= 1 << 30) return fmt::format("{:.1f} GiB", number / (1 << 30));
  if (bytes >= 1 << 20) return fmt::format("{:.1f} MiB", number / (1 << 20));
  return fmt::format("{:.0f} KiB", number / (1 << 10));
}

std::string humanTime(int64_t seconds) {
  if (seconds >= 2 * 86400) return fmt::format("{} days", seconds / 86400);
  if (seconds >= 2 * 3600) return fmt::format("{} h", seconds / 3600);
  if (seconds >= 120) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} s", seconds);
}

std::string line(std::string_view key, const std::string& text) { return fmt::format("{:<13} {}\n", key, text); }

const json::Array& arrayAt(const json::Value& value, std::string_view key) {
  static const json::Array kNone;
  const json::Value* found = json::find(value, key);
  return found && found->is_array() ? found->get_array() : kNone;
}

const json::Object& objectAt(const json::Value& value, std::string_view key) {
  static const json::Object kNone;
  const json::Value* found = json::find(value, key);
  return found && found->is_object() ? found->get_object() : kNone;
}

std::string renderParts(const json::Value& report) {
  std::string out;
  for (const json::Value& part : arrayAt(report, "parts")) {
    out += fmt::format("  {:<11} {}\n", json::getString(part, "name"), json::getString(part, "state"));
  }
  return out;
}

std::string renderPods(const json::Value& report) {
  std::vector<std::string> counts;
  for (const auto& phase : objectAt(report, "pods")) {
    counts.push_back(fmt::format("{} {}", phase.value().to_number<int64_t>(), base::toLower(phase.key())));
  }
  return counts.empty() ? "none" : base::join(counts, ", ");
}

std::string renderVersions(const json::Value& report) {
  std::vector<std::string> versions;
  for (const auto& program : objectAt(report, "versions")) {
    std::string version = program.value().is_string() ? std::string(program.value().get_string()) : "";
    versions.push_back(fmt::format("{} {}", std::string(program.key()), version.empty() ? "missing" : version));
  }
  return base::join(versions, ", ");
}

std::string renderCertificates(const json::Value& report) {
  std::vector<std::string> ends;
  for (const json::Value& certificate : arrayAt(report, "certificates")) {
    ends.push_back(fmt::format("{} {} ({} days)", json::getString(certificate, "name"),
                               json::getString(certificate, "notAfter").substr(0, 10),
                               json::getInt(certificate, "daysLeft")));
  }
  return base::join(ends, ", ");
}

std::string renderDisk(const json::Value& report) {
  auto bytes = [&](const char* key) { return humanBytes(json::getInt(report, std::string("disk.") + key, -1)); };
  return fmt::format("{} of {} free; database {}, images {}, pods {}, logs {}", bytes("free"), bytes("size"),
                     bytes("store"), bytes("images"), bytes("pods"), bytes("logs"));
}

std::string renderProblems(const json::Value& report) {
  const json::Array& problems = arrayAt(report, "problems");
  if (problems.empty()) return line("wrong", "nothing");
  std::string out = "wrong:\n";
  for (const json::Value& problem : problems) {
    out += fmt::format("  {}\n    -> {}\n", json::getString(problem, "text"), json::getString(problem, "remedy"));
  }
  return out;
}

}  // namespace

std::string renderStatusText(const json::Value& report) {
  auto text = [&](const char* key) { return std::string(json::getString(report, key)); };
  std::string out = line("server", fmt::format("{}, since {}", json::getBool(report, "ready") ? "ready" : "not ready",
                                               humanTime(json::getInt(report, "uptimeSeconds"))));
  out += renderParts(report);
  out += line("pods", renderPods(report));
  out += line("API", text("url"));
  out += line("node", fmt::format("{}, {}", text("node"), text("nodeIp")));
  out += line("cluster DNS", text("clusterDns"));
  out += line("ranges", fmt::format("pods {}, Services {}", text("clusterCidr"), text("serviceCidr")));
  out += line("kubeconfig", text("kubeconfig"));
  out += line("versions", renderVersions(report));
  out += line("certificates", renderCertificates(report));
  out += line("data", text("dataDir"));
  out += line("disk", renderDisk(report));
  out += line("memory", fmt::format("{} resident, {} of its own share (PSS)",
                                    humanBytes(json::getInt(report, "memory.resident", -1)),
                                    humanBytes(json::getInt(report, "memory.proportional", -1))));
  return out + renderProblems(report);
}

std::string renderWaiting(const json::Value& parts) {
  std::vector<std::string> working;
  size_t behind = 0;  // those whose turn comes later
  for (const json::Value& part : arrayAt(parts, "parts")) {
    if (json::getBool(part, "ready")) continue;
    std::string_view state = json::getString(part, "state");
    if (state.starts_with("waits for"))
      ++behind;
    else
      working.push_back(fmt::format("{} ({})", json::getString(part, "name"), state));
  }
  if (working.empty()) return behind == 0 ? "ready" : fmt::format("waiting for {} parts to begin", behind);
  std::string more = behind == 0 ? "" : fmt::format(" and then {} more", behind);
  return "waiting for " + base::join(working, ", ") + more;
}

}  // namespace wherry::cli
