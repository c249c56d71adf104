"""The pages as a browser shows them: corank report's output in headless Chromium.

What must hold of every page: nothing is asked of anybody, the policy holds, nothing is complained about in the console, no picture
is empty, and the page is no wider than its window. Of a sweep of 20,000 designs: it is painted within a second, has at most 3 MB,
and answers to mouse and keyboard. Exit code 77: no browser.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import drawn_sweep

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("skipped: python3-selenium is missing (scripts/setup test installs it)")
    sys.exit(77)

DRIVER, BROWSER = pathlib.Path("/usr/bin/chromedriver"), pathlib.Path("/usr/bin/chromium")
DESIGNS = 20000
# Counts pixels of a canvas that differ from its first one; on a copy, which the browser expects to be read.
PAINTED = """const c = arguments[0], copy = document.createElement('canvas'); copy.width = c.width; copy.height = c.height;
const context = copy.getContext('2d', {willReadFrequently: true}); context.drawImage(c, 0, 0);
const d = new Uint32Array(context.getImageData(0, 0, c.width, c.height).data.buffer);
let n = 0; for (const p of d) n += p !== d[0]; return n;"""


def open_browser():
    options = Options()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(str(DRIVER)), options=options)


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def messages(browser):
    for entry in browser.get_log("performance"):
        yield json.loads(entry["message"])["message"]


def open_page(browser, page):
    """Opens it and checks what must hold of each; returns the milliseconds until it was painted."""
    list(messages(browser)), browser.get_log("browser")
    browser.get(page.as_uri())
    painted = browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));")
    asked = [m["params"]["request"]["url"] for m in messages(browser) if m["method"] == "Network.requestWillBeSent"]
    check(asked == [page.as_uri()], f"{page.name} asks for {asked}")
    said = browser.get_log("browser")
    check(not said, f"{page.name}: the console says {said}")
    policy = browser.execute_script("return document.querySelector('meta[http-equiv]').content")
    check(policy.startswith("default-src 'none'"), policy)
    check_layout(browser, page)
    return painted


def check_layout(browser, page):
    for width in (1280, 390):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
        wider = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        check(wider <= 0, f"{page.name}: {wider} pixels wider than a window of {width}")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for canvas in browser.find_elements("css selector", "canvas"):
        check(browser.execute_script(PAINTED, canvas) > 1000, f"{page.name}: an empty picture")
    # Texts of a static picture lie inside of it.
    outside = browser.execute_script("""return [...document.querySelectorAll('.picture > svg')].flatMap(svg => {
        const box = svg.viewBox.baseVal;
        return [...svg.querySelectorAll('text')].filter(text => { const b = text.getBBox();
            const turned = text.hasAttribute('transform');
            return !turned && (b.x < -1 || b.y < -1 || b.x + b.width > box.width + 1 || b.y + b.height > box.height + 1);
        }).map(text => svg.id + ': ' + text.textContent); })""")
    check(not outside, f"{page.name}: texts that are cut: {outside}")
    names = browser.execute_script("""return [...document.querySelectorAll('.picture > svg')]
        .filter(svg => !svg.querySelector('title') || !svg.querySelector('desc').textContent).map(svg => svg.id)""")
    check(not names, f"{page.name}: pictures without a description: {names}")


def test_run(browser, corank, configs, folder):
    out = folder / "run"
    subprocess.run([corank, "run", configs / "quickstart.yaml", "--fidelity", "cycle", "--out", out, "--set",
                    "name=<script>document.title='broken'</script>"], check=True, stdout=subprocess.DEVNULL)
    open_page(browser, out / "report.html")
    check("broken" != browser.title, "a name was carried out")
    timeline = browser.find_element("css selector", "#timeline canvas")
    said = lambda: browser.find_element("css selector", "#timeline .said").text
    timeline.send_keys("+")
    first = said()
    check("Shown" in first, "the timeline does not zoom by keys")
    timeline.send_keys(Keys.ARROW_RIGHT)
    check(said() != first, "the timeline does not move by keys")
    return out


def test_sweep(browser, corank, folder):
    table, page = folder / "sweep.json", folder / "sweep.html"
    drawn = drawn_sweep.table(DESIGNS)
    table.write_text(json.dumps(drawn))
    subprocess.run([corank, "report", table, "-o", page], check=True, stdout=subprocess.DEVNULL)
    size = page.stat().st_size
    check(size <= 3e6, f"the page of {DESIGNS} designs has {size} bytes")
    painted = min(open_page(browser, page) for _ in range(3))
    print(f"{DESIGNS} designs: {size / 1e6:.2f} MB, painted after {painted:.0f} ms")
    check(painted <= 1000, f"painted after {painted:.0f} ms")
    check(browser.execute_script("return sweepView.sweep.design.length") == DESIGNS, "designs are missing")
    front = sum(drawn["rows"]["on_front"])
    shown = "return [...document.querySelectorAll('#front-table tbody tr')].filter(row => !row.hidden).length"
    check(browser.execute_script(shown) == front, "the table has not the front")
    parallel = lambda: browser.find_element("css selector", "#parallel .said").text
    check(parallel().startswith(f"{front} of {front} designs"), parallel())
    canvas = browser.find_element("css selector", "#pareto canvas")
    said = lambda: browser.find_element("css selector", "#pareto .said").text
    canvas.send_keys(Keys.ARROW_RIGHT)
    lines = drawn["rows"]["run_line"]
    check(said() in lines, f"no command of the sweep: {said()}")
    design = int(re.match(r"design (\d+)", browser.find_element("css selector", "#pareto .tip").text)[1])
    check(said() == lines[design], f"not the command of design {design}: {said()}")
    canvas.send_keys(Keys.ESCAPE)
    ActionChains(browser).move_to_element_with_offset(canvas, -200, -100).click_and_hold() \
        .move_by_offset(300, 160).release().perform()
    check("are chosen" in said(), f"dragging chooses nothing: {said()}")
    check("that were chosen" in parallel(), parallel())
    check(browser.execute_script(shown) < front, "the table does not follow the choice")
    browser.execute_script("const s = document.getElementById('pareto-x'); s.value = 2; s.dispatchEvent(new Event('change'))")
    check(browser.execute_script(PAINTED, canvas) > 1000, "empty with other axes")
    said_in_console = browser.get_log("browser")
    check(not said_in_console, f"the console says {said_in_console}")
    return table


def test_comparison(browser, corank, folder, first):
    second, page = folder / "second.json", folder / "both.html"
    drawn_sweep.write(second, 400, seed=2, name="</script><script>document.title='broken'</script>")
    subprocess.run([corank, "report", first, second, "-o", page], check=True, stdout=subprocess.DEVNULL)
    open_page(browser, page)
    check("broken" != browser.title, "a name was carried out")


def main():
    if not (DRIVER.exists() and BROWSER.exists()):
        print("skipped: chromium or chromium-driver is missing (scripts/setup test installs them)")
        return 77
    corank, configs = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    browser = open_browser()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            test_run(browser, corank, configs, folder)
            test_comparison(browser, corank, folder, test_sweep(browser, corank, folder))
    finally:
        browser.quit()
    print("pages hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
