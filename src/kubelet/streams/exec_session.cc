#include "kubelet/streams/exec_session.h"

#include <optional>
#include <string>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

#include "kubelet/streams/client_session.h"
#include "kubelet/streams/container_terminal.h"
#include "kubelet/streams/inflow.h"

namespace wherry::kubelet {
namespace {

using Output = client::ProcessStreams::Output;

class ExecSession : public ClientSession, public net::EventLoop::Source {
 public:
  ExecSession(const SessionContext& context, const Crun& crun, std::shared_ptr<ConsoleSocket> console,
              ExecTarget target, client::ProcessOptions options, std::shared_ptr<client::ProcessStreams> client)
      : ClientSession(
            context, std::move(client),
            std::make_shared<Outflow>(context.loop, options.tty ? Outflow::End::kNothing : Outflow::End::kClose)),
        crun_(crun),
        console_(std::move(console)),
        target_(std::move(target)),
        options_(std::move(options)) {}

  // The process has ended; what it wrote may still wait in the pipes.
  void onReady(uint32_t) override {
    context_.loop->remove(process_->endDescriptor());
    console_->forget(process_->pid());
    end_ = process_->reap();
    if (clientGone()) return close();
    if (!started_ && !end_->failure.empty()) return finish({.error = execFailure(options_.command, end_->failure)});
    sendEarly();
    for (auto& flow : {out_, err_}) {
      if (flow) flow->endWhenEmpty();
    }
    finishIfDone();
  }

 private:
  std::shared_ptr<ExecSession> self() { return std::static_pointer_cast<ExecSession>(shared_from_this()); }

  void begin() override {
    try {
      process_.emplace(crun_, target_, options_, console_->path());
    } catch (const std::exception& error) {
      return finish({.error = execFailure(options_.command, error.what())});
    }
    context_.loop->add(process_->endDescriptor(), EPOLLIN, self());
    if (options_.tty) {
      console_->expect(process_->pid(), [weak = std::weak_ptr(self())](base::Fd terminal) {
        if (auto self = weak.lock()) self->onTerminal(std::move(terminal));
      });
      return;
    }
    if (process_->in) stdin_->open(std::move(process_->in));
    out_ = newInflow(std::move(process_->out), Output::kStdout);
    err_ = newInflow(std::move(process_->err), Output::kStderr);
  }

  std::shared_ptr<Inflow> newInflow(base::Fd fd, Output output) {
    if (!fd) return nullptr;
    auto flow = std::make_shared<Inflow>(
        context_.loop, std::move(fd),
        Inflow::Handlers{.data = [this, output](std::string_view data) { return send(output, data); },
                         .end =
                             [this, output](int) {
                               (output == Output::kStdout ? out_ : err_).reset();
                               finishIfDone();
                             }});
    flow->start();
    return flow;
  }

  void onTerminal(base::Fd terminal) {
    terminal_ = std::move(terminal);
    if (size_) onResize(*size_);
    if (options_.stdin) stdin_->open(base::Fd(::dup(terminal_.get())));
    out_ = newInflow(base::Fd(::dup(terminal_.get())), Output::kStdout);
  }

  void onResize(client::TerminalSize size) override {
    size_ = size;
    if (terminal_) resizeTerminal(terminal_.get(), size);
  }

  // What crun itself writes, because it can't run the command, is told as the error and not as output: until it is
  // known which of the two it is, it is kept. A terminal echoes what is typed before the command runs.
  bool send(Output output, std::string_view data) {
    bool echo = options_.tty && stdin_->used();
    if (!started_ && !end_ && !echo) started_ = process_->hasStarted();
    if (started_ || end_ || echo) {
      sendEarly();
      return client_->write(output, data);
    }
    early_.emplace_back(output, data);
    return false;  // until it has ended
  }

  void sendEarly() {
    if (early_.empty()) return;
    for (auto& [output, data] : std::exchange(early_, {})) client_->write(output, data);
    onWritable();
  }

  void onWritable() override {
    for (auto& flow : {out_, err_}) {
      if (flow && early_.empty()) flow->resume();
    }
  }

  void onClientGone() override {
    if (!process_ || end_) return close();
    closeFlows();
    process_->kill();
  }

  void finishIfDone() {
    if (end_ && !out_ && !err_) finish({.exitCode = end_->exitCode});
  }

  void closeFlows() override {
    stdin_->close();
    for (auto* flow : {&out_, &err_}) {
      if (auto open = std::exchange(*flow, nullptr)) open->stop();
    }
    terminal_.reset();
  }

  const Crun& crun_;
  const std::shared_ptr<ConsoleSocket> console_;
  const ExecTarget target_;
  const client::ProcessOptions options_;
  std::optional<ExecProcess> process_;
  std::optional<ExecProcess::End> end_;
  base::Fd terminal_;
  std::optional<client::TerminalSize> size_;
  std::shared_ptr<Inflow> out_, err_;
  std::vector<std::pair<Output, std::string>> early_;
  bool started_ = false;
};

}  // namespace

std::shared_ptr<Session> newExecSession(const SessionContext& context, const Crun& crun,
                                        std::shared_ptr<ConsoleSocket> console, ExecTarget target,
                                        client::ProcessOptions options,
                                        std::shared_ptr<client::ProcessStreams> client) {
  auto session = std::make_shared<ExecSession>(context, crun, std::move(console), std::move(target), std::move(options),
                                               std::move(client));
  session->followClient();
  return session;
}

}  // namespace wherry::kubelet
