// Why a container never ran: mostly a program that isn't in its image, or may not be executed. Another attempt may end
// the same way, but it was one; unlike what goes wrong around it (a RuntimeError), which is no attempt.
#pragma once

#include "kubelet/runtime/crun.h"

namespace wherry::kubelet {

struct StartError : RuntimeError {
  using RuntimeError::RuntimeError;
};

}  // namespace wherry::kubelet
