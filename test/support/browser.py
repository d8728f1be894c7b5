"""A headless Chromium that is told what to do by the DevTools protocol, over a pipe. Standard library only."""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time

PROGRAMS = ("chromium-headless-shell", "chromium-shell", "chromium")


def find_browser():
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """with Browser(["nsenter", ...], home) as browser: it trusts what NSS' database below `home` has, and nothing is shown."""

    def __init__(self, inside, home, hosts, env):
        rules = ", ".join(f"MAP {host} {address}" for host, address in hosts.items())
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
                 "--remote-debugging-pipe", f"--user-data-dir={home}/profile", f"--host-resolver-rules={rules}"]
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        # It reads from descriptor 3 and writes to 4.
        command = ["/bin/bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "-", *inside, find_browser(), *flags, "about:blank"]
        self.log = open(pathlib.Path(home, "browser.log"), "wb")
        self.process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), env=dict(env, HOME=str(home)),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        os.close(to_browser)
        os.close(from_browser)
        self.last, self.rest, self.events = 0, b"", []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (self.write, self.read):
            os.close(end)
        try:  # it ends with its pipe
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def message(self, deadline):
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("the browser says nothing")
            data = os.read(self.read, 1 << 16)
            if not data:
                raise AssertionError("the browser ended")
            self.rest += data
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, seconds=60, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while (answer := self.message(deadline)).get("id") != self.last:
            self.events.append(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def page(self):
        return Page(self)


class Page:
    """A tab that shares no connection, cookie or cache with others."""

    def __init__(self, browser):
        self.browser = browser
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def open(self, url):
        """What is wrong, in the browser's words; nothing when it came."""
        return self.call("Page.navigate", url=url).get("errorText")

    def evaluate(self, script):
        """The value of an expression; of a promise, once it is there."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def dom(self):
        return self.evaluate("document.documentElement.outerHTML")

    def certificate(self, origin):
        """The server's own, in DER."""
        return base64.b64decode(self.call("Network.getCertificate", origin=origin)["tableNames"][0])

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
