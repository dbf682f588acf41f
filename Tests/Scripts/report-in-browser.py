#!/usr/bin/env python3
"""Opens reports of `unroll report` in headless Chromium, light and dark, 1200 and 400 pixels wide.

    Tests/Scripts/report-in-browser.py poems/report.html --out pictures

Fails on any message on the console, any exception, any request but that of the page itself, and any part that is wider
than the page. Writes a picture of each whole page. Needs Chromium (apt-get install chromium) and nothing else: it talks
to the browser through a pipe.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class Browser:
    """Chromium, driven through its debugging pipe: messages are JSON, each ended by a zero byte."""

    def __init__(self, program, profile):
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        def place():
            # Chromium reads commands from 3 and writes events to 4; copies first, as the numbers may be taken.
            a, b = os.dup(to_read), os.dup(to_write)
            high = [os.dup2(a, 100), os.dup2(b, 101)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number = 0
        self.rest = b""
        self.events = []
        self.session = None

    def receive(self):
        while b"\0" not in self.rest:
            part = os.read(self.read_end, 1 << 20)
            if not part:
                sys.exit("FAIL: the browser ended by itself")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"FAIL: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        """Until an event that came after the last call, or comes."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        self.process.terminate()
        self.process.wait()


def faults(events, page):
    """What a page that stands alone does not do."""
    found = []
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            found.append(f"console: {parameters['type']}: {parameters['args']}")
        elif method == "Runtime.exceptionThrown":
            found.append(f"exception: {parameters['exceptionDetails']}")
        elif method == "Log.entryAdded":
            found.append(f"log: {parameters['entry']['level']}: {parameters['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if url != page and not url.startswith("data:"):
                found.append(f"request: {url}")
    return [fault[:200] for fault in found]


WIDER = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('svg')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className).slice(0, 5).join(', ')"""

UNSEEN = """[...document.images].filter(i => !i.complete || i.naturalWidth == 0).length"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", nargs="+", help="a report")
    parser.add_argument("--out", help="folder for the pictures")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    if not options.browser:
        sys.exit("FAIL: no Chromium here: apt-get install chromium, or --browser PATH")
    profile = tempfile.mkdtemp()
    browser = Browser(options.browser, profile)
    failures = 0
    try:
        browser.open()
        for path in map(pathlib.Path, options.page):
            address = path.resolve().as_uri()
            for width in [1200, 400]:
                for scheme in ["light", "dark"]:
                    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                                 mobile=False)
                    browser.call("Emulation.setEmulatedMedia",
                                 features=[{"name": "prefers-color-scheme", "value": scheme}])
                    browser.events = []
                    browser.call("Page.navigate", url=address)
                    browser.wait("Page.loadEventFired")

                    def value(expression):
                        return browser.call("Runtime.evaluate", expression=expression)["result"].get("value")

                    found = faults(browser.events, address)
                    if wide := value(WIDER):
                        found.append(f"wider than the page: {wide}")
                    if unseen := value(UNSEEN):
                        found.append(f"{unseen} images cannot be shown")
                    height = value("document.documentElement.scrollHeight")
                    if not value("document.querySelectorAll('section').length"):
                        found.append("there are no sections")
                    if options.out:
                        picture = browser.call(
                            "Page.captureScreenshot", captureBeyondViewport=True,
                            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
                        os.makedirs(options.out, exist_ok=True)
                        name = f"{path.resolve().parent.name}-{path.stem}-{width}-{scheme}.png"
                        pathlib.Path(options.out, name).write_bytes(base64.b64decode(picture["data"]))
                    print(f"{path} {width} px {scheme}: {height} px high, {'; '.join(found) or 'ok'}")
                    failures += len(found)
    finally:
        browser.close()
        shutil.rmtree(profile, ignore_errors=True)
    print("FAIL" if failures else "pass")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
