"""The notebooks in JupyterLab, in a real browser: each runs to its end, its widgets work by mouse and by keyboard, and what
the kit shows can be read in the light and in the dark theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mtasts_nb.publish._notebook import names_of_bundled
from tests.notebooks.jupyterlab import DARK, LIGHT, error_outputs, jupyterlab, open_in_lab, run_all, theme

pytestmark = pytest.mark.browser

#: What the kit makes; the rest of the page is JupyterLab's.
OURS = ".jp-OutputArea-output .sts-doc"

#: It runs in a test of its own, with the extra `scale`.
NEEDS_EXTRA = "07_beyond_one_machine"
#: Whose outputs axe-core looks at, in both themes. The others are not checked by it yet.
READ = (
    "01_probe_a_domain", "02_load_tls_reports", "03_failures_over_time", "04_diagnose", "05_policy_and_rollback",
    "05b_rollout", "08_glossary",
)  # fmt: skip
#: Rules about the page as a whole, which is JupyterLab's.
NOT_OURS = ("heading-order", "region")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    with jupyterlab(tmp_path_factory.mktemp("lab")) as address:
        yield address


def axe(page: Any, *without: str) -> list[tuple[str, list[str]]]:
    """Return what axe-core finds in what the kit shows: the rule, and the first elements."""
    from axe_playwright_python.sync_playwright import Axe

    if not page.locator(OURS).count():
        return []
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    found = Axe().run(page, context={"include": [[OURS]]}, options=options).response["violations"]
    return [(each["id"], [node["html"][:160] for node in each["nodes"]][:4]) for each in found]


@pytest.mark.parametrize("name", [name for name in names_of_bundled() if name != NEEDS_EXTRA])
def test_it_runs_to_its_end_and_can_be_read(page: Any, lab: str, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_in_lab(page, lab, name)
    run_all(page)
    assert error_outputs(page) == []
    assert [url for url in asked if not url.startswith((lab, "data:", "blob:"))] == [], "nothing comes from elsewhere"
    for colours in (LIGHT, DARK) if name in READ else ():
        theme(page, colours)
        assert axe(page, *NOT_OURS) == [], colours


@pytest.fixture(scope="module")
def scratch(browser: Any, lab: str) -> Iterator[Any]:
    """A notebook that is open, to show one widget after the other."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    open_in_lab(page, lab, "scratch")
    yield page
    context.close()


def show(page: Any, source: str) -> None:
    """Replace the parameters cell's code and run it."""
    page.evaluate(
        """async source => {
            const content = window.jupyterapp.shell.currentWidget.content;
            content.activeCellIndex = content.widgets.findIndex(cell => cell.model.type === 'code');
            content.activeCell.model.sharedModel.setSource(source);
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        source,
    )


def focused(page: Any) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


FLOWCHART = "import mtasts_nb as sts\nsts.widgets.DiagnosticFlowchart()"
PLANNER = """import mtasts_nb as sts
policy = "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n"
sts.widgets.RollbackPlanner(policy, "v=STSv1; id=1;", 300, domain="nordwind.example")"""
PROBE = """import mtasts_nb as sts
lab = sts.lab.Lab("mx-certificate-expired")
sts.widgets.DomainProbe("", lab.__enter__().settings, domains=["nordwind.example"])"""


def test_the_flowchart_by_mouse(scratch: Any) -> None:
    page = scratch
    show(page, FLOWCHART)
    yes = page.get_by_role("button", name="Yes", exact=True)
    assert page.get_by_role("button", name="Back", exact=True).is_disabled()
    top = yes.bounding_box()["y"]
    picture = page.locator(".sts-pane img")
    assert picture.bounding_box()["y"] < top, "question and picture come before the controls"
    yes.click()
    page.get_by_text("Question 2: ").wait_for()
    assert abs(yes.bounding_box()["y"] - top) < 1, "the controls stay where they are"
    assert focused(page) == "Yes", "and keep the focus"
    before = picture.bounding_box()["width"]
    page.get_by_role("button", name="150 %").click()
    page.wait_for_function(
        "before => document.querySelector('.sts-pane img').getBoundingClientRect().width > before", arg=before
    )
    page.get_by_role("button", name="Export as HTML and JSON").click()
    page.get_by_text("Written: ").wait_for()


def test_the_flowchart_by_keyboard(scratch: Any) -> None:
    page = scratch
    show(page, FLOWCHART)
    page.get_by_role("button", name="No", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_text("The walk ends here: ").first.wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'Take as fixed: continue'")
    page.keyboard.press("Tab")
    assert focused(page) == "Back"
    page.keyboard.press("Space")
    page.get_by_text("Question 1: ").wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'Yes'")
    jump = page.get_by_role("combobox", name="Jump to")
    jump.focus()
    page.keyboard.type("old tls")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "Go there"
    page.keyboard.press("Enter")
    page.get_by_text("Jumped.").wait_for()
    theme(page, DARK)
    assert axe(page, *NOT_OURS) == []
    theme(page, LIGHT)


def test_the_planner_by_mouse_and_by_keyboard(scratch: Any) -> None:
    page = scratch
    show(page, PLANNER)
    page.get_by_role("button", name="The policy file is published").click()
    page.get_by_text("The file was published at ").wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'The record is published'")
    page.keyboard.press("Enter")
    page.get_by_text("Both were published by ").wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'Start over'")
    assert page.locator("input[type='datetime-local']").count() == 1, "the browser's own picker"


def test_a_probe_by_keyboard_and_its_snapshot_by_mouse(scratch: Any) -> None:
    page = scratch
    show(page, PROBE)
    page.get_by_role("combobox", name="Domain").focus()
    # As fast as can be: Enter overtakes the last letters on their way to the kernel.
    page.keyboard.type("nordwind.example")
    page.keyboard.press("Enter")
    page.locator("[role=status]", has_text="Probed nordwind.example in ").wait_for()
    page.get_by_role("button", name="Save snapshot").click()
    page.locator("[role=status]", has_text="nordwind.example.json").wait_for()


def test_the_notebook_one_is_in_is_published_once_it_is_saved(scratch: Any) -> None:
    page = scratch
    show(page, "part = ''\nimport mtasts_nb as sts\nsts.widgets.PublishButton(sts.publish)")
    press = page.get_by_role("button", name="Publish this notebook")
    press.click()
    page.get_by_text("scratch has changes that are not saved").wait_for()
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    press.click()
    page.locator("[role=status]", has_text="report.html").wait_for()
