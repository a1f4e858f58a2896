"""Mistakes in a template's file: each is one line that names the file and the line or key."""

import os
import re

import pytest
from making import FRONT, item, refusal, template

from judgebench.templates.template import load_template

USER = "{% block user %}{{ prompt }}{% endblock %}"
WHOLE = "{% block user %}{{ prompt }} {{ completions[0].text }}{% endblock %}"
RATING = "---\nname: own\nmode: rating\nverdict: {pattern: '(\\d+)', scale: [1, 10]%s}\n---\n"


def front(verdict, *, name="own", mode="pairwise", more=""):
    """A template with this verdict rule, given as YAML's flow style."""
    return template(USER, f"---\nname: {name}\nmode: {mode}\n{more}verdict: {verdict}\n---\n")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("", "line 1: no front matter"),
        ("---\nname: own\n", "line 1: no front matter"),
        ("---\nname: own\nmode: [pairwise\n---\n", "line 4: not YAML"),
        ("---\nname: own\nmode: 'pair\n---\n", "not YAML"),
        ("---\nname: own\nmode: \x07\n---\n", "line 3: not YAML"),
        ("---\nname: [2026-11-01\n---\n", "not YAML"),
        ("---\n- name\n---\n", "line 2: front matter is not a mapping"),
        ("---\n---\n", "line 2: front matter is not a mapping"),
        ("---\nname: own\nmode: pairwise\n---\n", "verdict: is missing"),
        ("---\nmode: pairwise\nverdict: {pattern: '(A)'}\n---\n", "name: is missing"),
        ("---\nname: own\nverdict: {pattern: '(A)'}\n---\n", "mode: is missing"),
        (FRONT.replace("mode:", "modee: x\nmode:"), "modee: is not a template key; did you mean mode?"),
        (
            FRONT.replace("pattern:", "patern: x\n  pattern:"),
            "verdict.patern: is not a template key; did you mean pattern?",
        ),
        (
            FRONT.replace("pairwise", "pairs"),
            "mode: Input should be 'pairwise', 'best_of_k', 'rating', 'label', 'criteria' or 'steps'",
        ),
        (FRONT.replace("name: own", "name: ../own"), "name: "),
        (FRONT.replace("name: own", "name: 12"), "name: is 12, expected text"),
    ],
)
def test_front_matter_mistakes_name_the_file_and_the_place(head, said):
    """What is wrong in the head is said with the file's name and the line or the key."""
    message = refusal(template, USER, head)

    assert message.startswith("own.jinja")
    assert said in message


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{}", "verdict: needs a pattern"),
        ("{pattern: 'A'}", "verdict: pattern has 0 groups, expected one"),
        ("{pattern: '(A)(B)'}", "verdict: pattern has 2 groups, expected one"),
        ("{pattern: '(A'}", "verdict: pattern is not a regular expression"),
        ("{pattern: '(A)', match: best}", "verdict.match: "),
        ("{pattern: '(A)', scale: [1, 10]}", "scale belongs to mode rating"),
        ("{pattern: '([ABC])', values: {A: A, B: B, C: C}}", "has the slots A and B; verdict.values names C"),
        ("{pattern: '([ABC])', values: {A: A, B: second}}", "values: 'B' means 'second', expected a slot's letter"),
        ("{pattern: '([AB])', values: {A: A}}", "verdict.values has nothing that means B"),
        ("{pattern: '([AB])', values: {}}", "verdict.values: "),
        ("{pattern: '([12])', values: {1: A, 2: B}}", "expected text (quote it)"),
        ("{pattern: '([AB])', example: 'none'}", "verdict.example is not parsed by the rule: nothing matches ([AB])"),
        (
            "{pattern: '([ABC])', example: 'C'}",
            "verdict.example is not parsed by the rule: 'C' is not one of the 2 slots",
        ),
        ("{pattern: '([AB])', match: only, example: 'A B'}", "verdict.example is not parsed by the rule: says A, B"),
        (
            "{pattern: '([AB])', values: {A: A, B: B, 'A=B': tie}, example: 'A'}",
            "values has 'A=B', which verdict.pattern",
        ),
        ("{json: verdict, example: 'not JSON'}", "verdict.example is not parsed by the rule: not a JSON object"),
        ("{json: reasoning}", "'reasoning' is the one before it"),
    ],
)
def test_a_verdict_rule_out_of_reach_is_refused(rule, said):
    """A rule that can never be read, or not by its example, is a mistake of the template's."""
    message = refusal(front, rule)

    assert re.match(r"own\.jinja, line [234]: ", message)
    assert said in message


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{pattern: '(\\d+)'}", "mode rating needs verdict.scale"),
        ("{pattern: '(\\d+)', scale: [10, 1]}", "scale runs from 10 to 1"),
        ("{pattern: '(\\d+)', scale: [1, .inf]}", "scale runs from 1 to inf"),
        ("{pattern: '(\\d+)', scale: [1]}", "verdict.scale.1: is missing"),
        ("{pattern: '(\\d+)', scale: [1, 10], values: {'1': A}}", "verdict.values is not allowed"),
        ("{pattern: '(\\d+)', scale: [1, 10], example: '11'}", "not parsed by the rule: 11 is outside 1 to 10"),
    ],
)
def test_a_rating_rule_out_of_reach_is_refused(rule, said):
    """In mode rating there is a scale, and the example is on it."""
    assert said in refusal(front, rule, mode="rating")


def test_the_scale_may_stand_beside_verdict():
    """`scale` at the top of the front matter is the verdict's."""
    own = front("{pattern: '(\\d+)'}", mode="rating", more="scale: [1, 10]\n")

    assert own.rule.scale == (1, 10)


def test_all_undefined_variables_are_reported_at_once():
    """Every unknown name is listed, with the nearest one that is known."""
    message = refusal(template, "{% block user %}{{ promt }}{{ completion }}{{ zzz }}{% endblock %}")

    assert "undefined 'completion' (did you mean completions?), 'promt' (did you mean prompt?), 'zzz';" in message


def test_an_undefined_variable_in_an_included_part_is_found(tmp_path):
    """A name that an included file uses and nobody sets is a mistake too."""
    (tmp_path / "part.jinja").write_text("{{ promt }}")

    assert "'promt' (did you mean prompt?)" in refusal(
        template, "{% block user %}{% include 'part.jinja' %}{% endblock %}", folder=tmp_path
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("text", "has no block 'user'"),
        ("{% block system %}x{% endblock %}", "has no block 'user'"),
        ("{% block usr %}x{% endblock %}", "block 'usr' is not a message"),
        (USER + "{% block tool %}x{% endblock %}", "block 'tool' is not a message"),
        (USER + USER, "line 8: block 'user' defined twice"),
        ("\n{% block user %}\n{{ prompt\n{% endblock %}", "line 11: "),
        ("{% block user %}{{ prompt | nosuch }}{% endblock %}", "line 8: No filter named 'nosuch'"),
        (
            "{% block user %}\n{% include 'nope.jinja' %}{% endblock %}",
            "line 9: include of 'nope.jinja': file not found",
        ),
        ("{% block user %}{% include prompt %}{% endblock %}", "line 8: include of 'None': file not found"),
        ("{% import 'nope.jinja' as n %}" + USER, "line 8: import of 'nope.jinja': file not found"),
        ("{% extends 'nope.jinja' %}", "line 8: extends 'nope.jinja': file not found"),
        ("{% extends prompt %}", "line 8: extends needs the plain name of another file"),
        ("{% extends 'own.jinja' %}", "line 8: extends needs the plain name of another file"),
        ("{% include '../secret.jinja' %}" + USER, "include of '../secret.jinja': file not found"),
    ],
)
def test_mistakes_in_the_body_name_the_line(tmp_path, body, said):
    """Blocks that are no messages, broken Jinja and files that are not there are found when the template is loaded."""
    (tmp_path / "secret.jinja").write_text("secret")
    inner = tmp_path / "inner"
    inner.mkdir()
    message = refusal(template, body, folder=inner)

    assert message.startswith("own.jinja")
    assert said in message


def test_a_mistake_in_an_included_part_names_the_part(tmp_path):
    """Broken Jinja in another file is said with that file's line."""
    (tmp_path / "part.jinja").write_text("\n{% if %}")

    assert "part.jinja line 2" in refusal(
        template, "{% block user %}{% include 'part.jinja' %}{% endblock %}", folder=tmp_path
    )


def test_a_part_that_includes_itself_is_refused(tmp_path):
    """Files that take each other in end in one line, not in a traceback."""
    (tmp_path / "a.jinja").write_text("{% include 'b.jinja' %}")
    (tmp_path / "b.jinja").write_text("{% include 'a.jinja' %}")

    assert "include of 'a.jinja' inside itself" in refusal(
        template, "{% block user %}{% include 'a.jinja' %}{% endblock %}", folder=tmp_path
    )


def test_an_included_part_that_is_not_utf_8_is_refused(tmp_path):
    """The message names the part."""
    (tmp_path / "part.jinja").write_bytes(b"\xff")

    assert "part.jinja: cannot be read" in refusal(
        template, "{% block user %}{% include 'part.jinja' %}{% endblock %}", folder=tmp_path
    )


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    """The message names the file."""
    path = tmp_path / "own.jinja"
    path.write_bytes(FRONT.encode() + b"\xff")

    assert "own.jinja': cannot be read" in refusal(load_template, path)


@pytest.mark.parametrize("name", ["nope.jinja", "folder/nope", "nope.j2"])
def test_a_file_that_is_not_there_is_refused(name):
    """A name that can only be a file's is looked for as one."""
    assert refusal(load_template, name) == f"template '{name}': file not found"


def test_an_unknown_name_gets_the_nearest():
    """A misspelt name of a shipped template is answered with the right one."""
    assert "unknown template 'pairwize': did you mean pairwise" in refusal(load_template, "pairwize")


def test_an_unknown_name_gets_the_command_that_lists_all():
    """Also where no name is near."""
    assert refusal(load_template, "nope") == (
        "unknown template 'nope': `judgebench templates list` shows all; your own file must end in .jinja."
    )


def test_a_part_is_no_template():
    """Files that start with an underscore are not found by name."""
    assert "unknown template '_answers'" in refusal(load_template, "_answers")


def test_a_file_of_ones_own_goes_by_its_path(tmp_path):
    """A path loads that file, with parts beside it or shipped."""
    path = tmp_path / "mine.jinja"
    path.write_text(
        FRONT + "{% block user %}{% include '_question.jinja' %}{% include '_answers.jinja' %}{% endblock %}"
    )

    assert "Why is the sky blue?" in load_template(str(path)).render(item(), (0, 1))[0]["content"]


def test_line_ends_and_marks_of_windows_are_no_mistake(tmp_path):
    """A file with CRLF and a byte order mark is read like any other."""
    path = tmp_path / "own.jinja"
    path.write_bytes(b"\xef\xbb\xbf" + (FRONT + WHOLE).replace("\n", "\r\n").encode())

    assert load_template(path).render(item(), (0, 1))[0]["content"] == "Why is the sky blue? one"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (r"{pattern: '\[\[([CD])\]\]'}", "can never match A or B; map"),
        (r"{pattern: '\[\[(A)\]\]'}", "can never match B; map"),
        (r"{pattern: '\[\[([ab])\]\]'}", "can never match A or B; map"),
        (r"{pattern: '(?:Answer )?(Yes|No)', values: {'yes': A, 'No': B}}", "values has 'yes', which verdict.pattern"),
    ],
)
@pytest.mark.parametrize("mode", ["pairwise", "best_of_k"])
def test_a_pattern_that_cannot_say_a_verdict_is_refused_without_an_example(rule, said, mode):
    """The group alone shows which verdicts no reply can ever give."""
    assert said in refusal(front, rule, mode=mode)


@pytest.mark.parametrize("pattern", ["([A-Z])", r"(\d{4})", r"(0\.\d+)", "([89])"])
def test_a_pattern_without_a_number_on_the_scale_is_refused(pattern):
    """A rating that no reply can ever give is a mistake of the template's."""
    rule = f"{{pattern: '{pattern}', scale: [1, 5]}}"

    assert "can never give a number from 1 to 5" in refusal(front, rule, mode="rating")


@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        ("pairwise", r"{pattern: '(?i)\[\[([ab])\]\]'}"),
        ("pairwise", r"{pattern: '(?i:\[\[([ab])\]\])'}"),
        ("pairwise", r"{pattern: '[](]\((?P<verdict>(?:A|B))(?# no group \()[^()]'}"),
        ("pairwise", r"{pattern: '(?x) \[ ([AB]) \] # (the letter)'}"),
        ("pairwise", r"{pattern: '\[([AB](?=\]))'}"),
        ("pairwise", r"{pattern: '(.+?)\.'}"),
        ("pairwise", r"{pattern: '([AB])(?(1)!|x)'}"),
        ("best_of_k", "{pattern: '([A-D])'}"),
        ("rating", "{pattern: '([24])', scale: [1, 5]}"),
        ("rating", r"{pattern: '(\d\.\d)', scale: [1, 5]}"),
        ("rating", r"{pattern: '(0?\.\d+)', scale: [0, 1]}"),
        ("rating", r"{pattern: '(-?\d+)', scale: [-9, -1]}"),
        ("rating", "{pattern: '([0-9]+)', scale: [0.5, 1e300]}"),
    ],
)
def test_a_pattern_within_reach_is_taken(mode, rule):
    """Flags, classes, comments and what stands around the group do not hide what it can hold."""
    assert front(rule, mode=mode).rule.regex is not None


def test_values_of_best_of_k_reach_two_slots():
    """A rule that can only ever choose one slot is a mistake in every mode."""
    assert "nothing that means B" in refusal(front, "{pattern: '([AC])', values: {A: A, C: C}}", mode="best_of_k")


@pytest.mark.parametrize("pattern", ["[[(A|B)]]", "[[([AB])]]"])
def test_unescaped_brackets_get_a_hint(pattern, recwarn):
    """The way to write a bracket is said, and Python's own warning about it is not shown."""
    assert r"escaped: '\[\['" in refusal(front, f"{{pattern: '{pattern}'}}")
    assert not recwarn.list


def loaded(tmp_path, body):
    """The template of this body, from a file."""
    path = tmp_path / "own.jinja"
    path.write_text(FRONT + body)
    return load_template(path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{% block user %}{% endblock %}", "line 8: block 'user' is empty"),
        ("{% block user %}\n{# x #}{% set a = 1 %}\n{% endblock %}", "line 8: block 'user' is empty"),
        (WHOLE + "\n{% block system %} {% endblock %}", "line 9: block 'system' is empty"),
        (USER, "line 8: no message shows the completions"),
        (WHOLE + "\n\n\ntext\n", "line 11: outside every block"),
        ("\n{{ prompt }}\n" + WHOLE, "line 9: outside every block"),
        ("{% if prompt %}\ntext{% endif %}" + WHOLE, "line 9: outside every block"),
        ("{% filter upper %}x{% endfilter %}" + WHOLE, "line 8: outside every block"),
        (WHOLE + "\n{% include '_answers.jinja' %}", "line 9: outside every block"),
        ("{% extends 'pairwise.jinja' %}\nMine.", "line 9: outside every block"),
        ("{% extends 'base.jinja' %}", "own.jinja (in base.jinja) line 2: outside every block"),
        ("{% extends 'pairwise.jinja' %}\n" + USER, "line 9: no message shows the completions"),
    ],
)
def test_what_would_never_be_sent_is_refused(tmp_path, body, said):
    """Text in no message, a message without text and a question without its answers are found with their lines."""
    (tmp_path / "base.jinja").write_text(WHOLE + "\ntext")
    message = refusal(loaded, tmp_path, body)

    assert message.startswith("own.jinja")
    assert said in message


@pytest.mark.parametrize(
    "body",
    [
        "{# x #}\n{% set a = 1 %}\n{% macro m() %}x{% endmacro %}\n" + WHOLE,
        "{% set a %}text{% endset %}{% if prompt %}{% set b = 1 %}{% endif %}" + WHOLE,
        "{% include 'set.jinja' %}\n" + WHOLE,
        "{% extends 'pairwise.jinja' %}\n{# x #}\n{% set a = 1 %}\n{% block system %}Mine.{% endblock %}\n",
        "{% extends 'pairwise.jinja' %}{% block user %}{{ super() }} Be fair.{% endblock %}",
        "{% extends 'inner.jinja' %}{% block answers %}{{ completions }}{% endblock %}",
        "{% macro m() %}{{ completions }}{% endmacro %}{% block user %}{{ m() }}{% endblock %}",
        "{% import 'm.jinja' as m with context %}{% block user %}{{ m.m() }}{% endblock %}",
        "{% block user %}{% if reference %}{% include '_answers.jinja' %}{% endif %}{% endblock %}",
    ],
)
def test_what_is_sent_may_come_from_anywhere(tmp_path, body):
    """Comments, settings, macros, imports and parents are no text outside the blocks, and may show the answers."""
    (tmp_path / "set.jinja").write_text("{% set a = 1 %}\n")
    (tmp_path / "inner.jinja").write_text("{% block user %}{% block answers %}{% endblock %}{% endblock %}")
    (tmp_path / "m.jinja").write_text("{% macro m() %}{{ completions }}{% endmacro %}")

    assert loaded(tmp_path, body).name == "own"


@pytest.mark.parametrize(
    "body",
    [
        "{{ 'x' * 10**11 }}",
        "{{ 10**11 * [1] }}",
        "{{ 10**(10**10) }}",
        "{{ 'x'.ljust(10**18) }}",
        "{{ prompt.ljust(10**18) }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ 1" + "0" * 5000 + " }}",
        "{% for a in labels %}" * 30 + "{% endfor %}" * 30,
    ],
)
def test_what_takes_too_much_is_one_line(body):
    """A value beyond memory, a number beyond reading or a nesting beyond Python ends in one line with the file."""

    def act():
        template("{% block user %}" + body + "{% endblock %}").render(item(), (0, 1))

    assert refusal(act).startswith("own.jinja: ")


def test_what_is_no_file_is_said_to_be_none(tmp_path):
    """A folder and a pipe are there, and are no files."""
    (tmp_path / "a.jinja").mkdir()
    os.mkfifo(tmp_path / "b.jinja")

    for name in ("a.jinja", "b.jinja"):
        assert refusal(load_template, tmp_path / name) == f"template '{tmp_path / name}': is not a file"
