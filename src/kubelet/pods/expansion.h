// $(NAME) in a container's command, args and environment, as Kubernetes expands it. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::kubelet {

// "$(NAME)" becomes the variable's value, or stays when there is none; "$$(NAME)" becomes "$(NAME)".
std::string expandVariables(std::string_view text,
                            const std::function<std::optional<std::string>(std::string_view)>& find);

}  // namespace wherry::kubelet
