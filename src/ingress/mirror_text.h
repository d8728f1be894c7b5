// How requests get to their mirrors: a filter on the backend that is mirrored, in Lua, makes a copy of each request
// that passes, and sends it off, once it is whole, to a frontend of the same HAProxy, from where it goes to the
// mirror's endpoints as other requests do. Pure.
//
// The filter only looks on: the request streams through it as ever, and is never kept waiting. A copy is given up when
// its body is longer than kLongestMirroredBody, when bodies of that many bytes are held already, or when too many
// copies are under way to the same mirror. Requests that upgrade their connection aren't copied.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "ingress/backend_text.h"
#include "ingress/config_text.h"
#include "ingress/routing.h"

namespace wherry::ingress {

inline constexpr size_t kLongestMirroredBody = 1 << 20;  // bytes

// The file beside the configuration that has the filter in it.
inline constexpr const char* kMirrorScriptFile = "mirror.lua";
std::string mirrorScript();
// Of the section global.
void renderMirrorGlobal(const Settings& settings, ConfigText& text);

// The backend that a mirror's copies come to: the same name for the same mirror in every configuration, since copies
// that were made under the one before may get there.
std::string mirrorSectionName(const Mirror& mirror);
// In the mirrored backend.
void renderMirrorFilter(const Backend& backend, const Settings& settings, ConfigText& text);
// Where copies come in.
void renderMirrorFrontend(const Settings& settings, ConfigText& text);
// Throws Unsayable.
void renderMirrorBackend(const Section& section, ConfigText& text);

}  // namespace wherry::ingress
