// For fuzz targets: the configuration that a routing model becomes, read as HAProxy reads it. Every line consists of
// words that are known, and texts of users are words or less. Now and then, and when a corpus is replayed, HAProxy
// itself is asked, where there is one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "ingress/haproxy_config.h"
#include "pki/certificate.h"

namespace wherry::fuzz {

inline std::string_view lineAtHand;  // of the configuration: what a finding is about

inline void demand(bool holds) {
  if (holds) return;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(lineAtHand.size()), lineAtHand.data());
  std::abort();
}

// Its rules of quoting (configuration manual, section 2.2). A quote that doesn't end is a fault.
inline std::vector<std::string> wordsOf(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' || c == '\t') {
      inside = false;
      continue;
    }
    if (c == '#') break;
    demand(c != '\0' && c != '$');  // variables of the environment: nowhere but between quotes
    if (!inside) words.emplace_back();
    inside = true;
    if (c == '\\') {
      demand(++i < line.size());
      words.back() += line[i];
    } else if (c == '\'') {
      const size_t end = line.find('\'', i + 1);
      demand(end != std::string_view::npos);
      words.back() += line.substr(i + 1, end - i - 1);
      i = end;
    } else {
      demand(c != '"');
      words.back() += c;
    }
  }
  return words;
}

inline bool isOneOf(std::string_view word, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

// "%" is "%%", or begins an expression of our own.
inline void demandFormat(std::string_view format) {
  constexpr std::array<std::string_view, 12> kOwn = {"%%",
                                                     "%[src]",
                                                     "%[dst_port]",
                                                     "%[req.fhdr(host)]",
                                                     "%[req.hdr(host),regsub(^[^:]*,)]",
                                                     R"(%[req.hdr(host),regsub(^.*\x5d,),regsub(^[^:]*,)])",
                                                     "%[pathq]",
                                                     "%[ssl_fc,iif(https,http)]",
                                                     "%[var(txn.host)]",
                                                     "%[var(txn.cors)]",
                                                     "%[var(txn.rest)]",
                                                     "%[var(txn.server)]"};
  for (size_t at = format.find('%'); at != std::string_view::npos; at = format.find('%', at)) {
    const auto own = std::find_if(kOwn.begin(), kOwn.end(),
                                  [&](std::string_view each) { return format.substr(at).starts_with(each); });
    demand(own != kOwn.end());
    at += own->size();
  }
}

inline void checkRule(const std::vector<std::string>& words) {
  demand(words.size() > 1);
  const std::string& action = words[1];
  demand(isOneOf(action, {"auth", "del-header", "deny", "disable-l7-retry", "normalize-uri", "redirect", "replace-path",
                          "return", "set-header", "add-header", "set-path", "set-status", "track-sc0", "track-sc1",
                          "track-sc2", "use-service", "wait-for-body"}) ||
         action.starts_with("set-var(") || action.starts_with("unset-var(") || action.starts_with("set-var-fmt("));
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i - 1] == "location" || (action == "set-path" && i == 2)) demandFormat(words[i]);
    if ((action == "set-header" || action == "add-header" || action == "replace-path") && i == 3)
      demandFormat(words[i]);
    if (action == "return" && i > 2 && words[i - 2] == "hdr") demandFormat(words[i]);
  }
}

// A user's text stands behind "--"; what stands elsewhere is ours.
inline void checkAcl(const std::vector<std::string>& words) {
  demand(words.size() >= 5);
  const bool isLeaf = words[2] == "var(txn.to)" && words.size() == 6 && words[5].starts_with('l');
  const bool isChance = words[2].starts_with("rand(") && words.size() == 5;
  demand(isLeaf || isChance || words[words.size() - 2] == "--");
}

inline void checkLine(std::string_view line) {
  if (line.starts_with("# ")) {
    return demand(isOneOf(
        line, {"# Ingress n/i", "# HTTPRoute n/r", "# GRPCRoute n/r", "# TLSRoute n/r", "# Gateway n/g", "#  /"}));
  }
  const auto words = wordsOf(line);
  if (words.empty()) return;
  const std::string& first = words[0];
  if (first == "http-request" || first == "http-response" || first == "http-after-response") return checkRule(words);
  if (first == "acl") return checkAcl(words);
  if (first == "user" && words.size() != 2) return demand(words.size() == 4 && words[2] == "password");
  demand(isOneOf(first, {"global",
                         "defaults",
                         "frontend",
                         "backend",
                         "userlist",
                         "servers",
                         "balance",
                         "bind",
                         "chroot",
                         "cookie",
                         "default_backend",
                         "default-server",
                         "dynamic-cookie-key",
                         "expose-experimental-directives",
                         "filter",
                         "group",
                         "hard-stop-after",
                         "hash-type",
                         "http-error",
                         ".if",
                         ".alert",
                         ".endif",
                         "log",
                         "lua-load-per-thread",
                         "mode",
                         "no",
                         "option",
                         "retries",
                         "retry-on",
                         "server",
                         "ssl-default-bind-options",
                         "ssl-server-verify",
                         "stats",
                         "stick-table",
                         "tcp-request",
                         "timeout",
                         "tune.ssl.default-dh-param",
                         "use_backend",
                         "use-server",
                         "user"}));
}

inline void checkConfiguration(const ingress::Model& model) {
  const auto shape = ingress::renderShape(model, {.directory = "/run/x"}, "pem");
  for (std::string_view line : base::split(std::string_view(shape.text), '\n')) {
    lineAtHand = line;
    checkLine(base::trim(line));
  }
  lineAtHand = {};
  for (const auto& [name, text] : shape.files) {
    if (!name.starts_with("maps/")) continue;
    for (std::string_view line : base::split(std::string_view(text), '\n')) {
      demand(line.empty() || std::count(line.begin(), line.end(), ' ') == 1);
      demand(std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
    }
  }
}

// What HAProxy says of all of it; "" when it takes it, or isn't there.
inline std::string refusalOf(const ingress::Model& model) {
  namespace fs = std::filesystem;
  if (!base::findProgram("haproxy")) return "";
  static const std::string certificate = [] {
    const auto pair = pki::newAuthority("fuzz", std::chrono::hours(24), base::Clock::system().now());
    return pair.certificatePem + pair.keyPem;
  }();
  ingress::Settings settings;
  const fs::path directory = fs::temp_directory_path() / ("wherry-fuzz-" + std::to_string(::getpid()));
  settings.directory = directory;
  settings.user = "nobody";
  settings.group = "nogroup";
  const auto shape = ingress::renderShape(model, settings, certificate);
  auto write = [&](const std::string& name, const std::string& text) {
    fs::create_directories((directory / name).parent_path());
    std::ofstream(directory / name) << text;
  };
  for (const auto* files : {&shape.files, &shape.certificates}) {
    for (const auto& [name, text] : *files) write(name, text);
  }
  write("haproxy.cfg", ingress::withServers(shape, {}, settings));
  base::Command command;
  command.argv = {"haproxy", "-c", "-q", "-f", directory / "haproxy.cfg"};
  const base::Finished finished = base::run(command);
  fs::remove_all(directory);
  return finished.ok() ? "" : "HAProxy refuses it: " + finished.out + finished.err;
}

// `input` decides whether it is this one's turn.
inline void checkByHAProxy(const ingress::Model& model, std::string_view input) {
#ifdef LLVMFuzzerTestOneInput
  const bool isItsTurn = !input.empty();
#else
  const bool isItsTurn = std::hash<std::string_view>()(input) % 2000 == 0;
#endif
  if (!isItsTurn || model.ports.empty()) return;
  const std::string refusal = refusalOf(model);
  std::fputs(refusal.c_str(), stderr);
  demand(refusal.empty());
}

}  // namespace wherry::fuzz
