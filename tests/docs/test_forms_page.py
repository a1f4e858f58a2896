"""The page on forms of rows lists what the code knows."""

from pathlib import Path

from judgebench.sources.known_table import FORMS

PAGE = (Path(__file__).parents[2] / "docs" / "forms.md").read_text(encoding="utf-8")


def test_each_known_form_stands_on_the_page():
    """With the columns that it is known by, how its labels are counted, and what its rows become."""
    rows = [line for line in PAGE.split("## Tables")[0].splitlines() if line.startswith("| ")][1:]
    expected = [
        f"| {form.name} | {', '.join(f'`{name}`' for name in form.needs)} | {form.said} | {form.becomes}"
        + ("" if "custom" in form.benchmarks else f" of `{form.benchmarks[0]}`")
        + " |"
        for form in FORMS
    ]
    assert rows == expected
