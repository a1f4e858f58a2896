"""Templates: what they render, in which order, and that data goes through untouched."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, strategies as st
from making import FRONT, item, refusal, template

from judgebench.items import Completion, Turn
from judgebench.templates.template import load_template

ANSWERS = "{% for c in completions %}[{{ c.label }}] {{ c.text }}\n{% endfor %}"


def user(body, of=None, folder=None, order=(0, 1)):
    """The user's message of a template whose user block is this."""
    own = template("{% block user %}" + body + "{% endblock %}", **({"folder": folder} if folder else {}))
    return own.render(of or item(), order)[-1]["content"]


@given(st.text(), st.text(), st.text())
def test_data_is_passed_on_verbatim(prompt, first, second):
    """Any text in the prompt and the completions stands in the message as it is, white space and all."""
    said = user("<{{ prompt }}|{{ completions[0].text }}|{{ completions[1].text }}>", item(prompt, (first, second)))

    assert said == f"<{prompt}|{first}|{second}>"


@given(st.text(alphabet=" \t\r\n\u2028x{}%#", max_size=30))
def test_a_message_that_is_data_alone_keeps_its_white_space(prompt):
    """Leading and trailing white space of the data is no white space of the file's."""
    assert user("\n{{ prompt }}\n", item(prompt)) == prompt


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% block user %}x{% endblock %}", "{# gone #}", "{{ item.id }}"])
def test_jinja_in_data_is_never_rendered(text):
    """What looks like Jinja in a prompt is text."""
    assert user("{{ prompt }}", item(text)) == text


def test_nothing_is_escaped():
    """Markup of HTML stays as it is."""
    assert user("{{ prompt }}", item("<b> & 'c' \"d\"")) == "<b> & 'c' \"d\""


def test_completions_stand_in_the_order_shown():
    """The first slot is A whichever completion stands in it."""
    assert user(ANSWERS, order=(1, 0)) == "[A] two\n[B] one\n"


def test_labels_are_those_of_the_order_shown():
    """There are as many labels as slots, from A on."""
    assert user("{{ labels | join }}", item(answers=("a", "b", "c")), order=(2, 0, 1)) == "ABC"


def test_blocks_are_messages_in_their_order():
    """Each block is a message whose role is its name up to an underscore."""
    own = template(
        """
        {% block system %}rules{% endblock %}
        {% block user_1 %}first{% endblock %}
        {% block assistant_1 %}second{% endblock %}
        {% block user %}third{% endblock %}
        """
    )

    assert own.render(item(), (0, 1)) == [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": "third"},
    ]


def test_system_may_be_left_out():
    """A template of the user block alone is one message."""
    assert [message["role"] for message in template("{% block user %}x{% endblock %}").render(item(), (0, 1))] == [
        "user"
    ]


def test_white_space_of_the_file_around_a_message_is_left_out():
    """Line ends and indentation next to a block's tags are no part of the message."""
    assert user("\n\n  text {{ prompt }} more  \n\n") == "text Why is the sky blue? more"


def test_an_extending_template_overrides_an_inner_block(tmp_path):
    """A child changes one inner block and keeps all else, line ends too."""
    base = "{% block user %}\nBefore.\n{% block rules %}\nBe fair.\n{% endblock %}\nAfter.\n{% endblock %}\n"
    (tmp_path / "base.jinja").write_text(FRONT + base)
    child = "{% extends 'base.jinja' %}\n{% block rules %}\nBe strict.\n{% endblock %}\n"

    said = template(child, folder=tmp_path).render(item(), (0, 1))

    assert said == [{"role": "user", "content": "Before.\nBe strict.\nAfter."}]


def test_an_overriding_block_may_use_its_parents(tmp_path):
    """`super()` is the parent's text."""
    (tmp_path / "base.jinja").write_text("{% block user %}a {% block rules %}b{% endblock %}{% endblock %}")
    child = "{% extends 'base.jinja' %}{% block rules %}{{ super() }} c{% endblock %}"

    assert template(child, folder=tmp_path).render(item(), (0, 1))[0]["content"] == "a b c"


def test_a_template_may_extend_one_that_ships():
    """A child of `pairwise.jinja` has its messages, with the block it overrides."""
    shipped = load_template("pairwise").render(item(), (0, 1))
    own = template("{% extends 'pairwise.jinja' %}{% block system %}Mine.{% endblock %}").render(item(), (0, 1))

    assert own == [{"role": "system", "content": "Mine."}, shipped[1]]


def test_a_parent_is_found_beside_the_template_first(tmp_path):
    """A file of one's own goes before one that ships under the same name."""
    (tmp_path / "pairwise.jinja").write_text("{% block user %}mine{% endblock %}")

    assert template("{% extends 'pairwise.jinja' %}", folder=tmp_path).render(item(), (0, 1))[0]["content"] == "mine"


def test_parts_that_ship_can_be_included():
    """`_answers.jinja` shows each answer between its tags."""
    said = user("{% include '_answers.jinja' %}")

    assert "<answer_A>\none\n</answer_A>" in said
    assert "<answer_B>\ntwo\n</answer_B>" in said


def test_an_included_part_sees_loop_variables(tmp_path):
    """A part that is included in a loop knows the loop's variable."""
    (tmp_path / "one.jinja").write_text("<{{ c.text }}>")

    assert user("{% for c in completions %}{% include 'one.jinja' %}{% endfor %}", folder=tmp_path) == "<one><two>"


@pytest.mark.parametrize(
    ("head", "use"),
    [
        ("{% set note = 'said' %}", "{{ note }}"),
        ("{% set note %}said{% endset %}", "{{ note }}"),
        ("{% macro note() %}said{% endmacro %}", "{{ note() }}"),
        ("{% if prompt %}{% set note = 'said' %}{% endif %}", "{{ note }}"),
        ("{% import 'm.jinja' as m %}", "{{ m.note() }}"),
        ("{% from 'm.jinja' import note %}", "{{ note() }}"),
        ("{% from 'm.jinja' import note as other %}", "{{ other() }}"),
    ],
)
def test_what_is_set_at_the_top_is_known_in_blocks(tmp_path, head, use):
    """Variables, macros and imports outside the blocks are no undefined names inside."""
    (tmp_path / "m.jinja").write_text("{% macro note() %}said{% endmacro %}")
    own = template(f"{head}\n{{% block user %}}{use}{{% endblock %}}", folder=tmp_path)

    assert own.render(item(), (0, 1)) == [{"role": "user", "content": "said"}]


def test_the_prompt_is_the_last_user_turn():
    """Of several turns, `prompt` is the user's last and `conversation` all of them."""
    turns = (Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))
    said = user(
        "{{ prompt }}{% for t in conversation %} {{ t.role }}={{ t.content }}{% endfor %}", item(conversation=turns)
    )

    assert said == "c user=a assistant=b user=c"


def test_a_completion_of_several_turns_names_each_role():
    """`text` joins the turns, and `turns` has them one by one."""
    turns = Completion((Turn("assistant", "a"), Turn("user", "b"), Turn("assistant", "c")))
    of = item()
    of = type(of)("7", "s", of.conversation, (turns, turns), 1)

    assert user("{{ completions[0].text }}|{{ completions[1].turns[2].content }}", of) == (
        "assistant: a\n\nuser: b\n\nassistant: c|c"
    )


@pytest.mark.parametrize("name", ["reference", "rubric"])
def test_what_an_item_lacks_is_false_and_undefined(name):
    """Tests of a missing reference or rubric are false."""
    said = user(f"{{% if {name} %}}there{{% endif %}}{{% if {name} is defined %}}there{{% endif %}}none")

    assert said == "none"


@pytest.mark.parametrize("name", ["reference", "rubric"])
def test_what_an_item_has_is_shown(name):
    """A reference or rubric that is there can be printed."""
    assert user("{{ " + name + " }}", item(**{name: "the text"})) == "the text"


@pytest.mark.parametrize("name", ["reference", "rubric", "item.source"])
def test_printing_what_an_item_lacks_names_the_item(name):
    """A template that prints what is not there is refused, with the item's id."""
    assert "'7'" in refusal(user, "{{ " + name + " }}")


def test_nothing_of_one_item_reaches_the_next():
    """The second item is rendered as if it were the first: its own inner block, and no reference."""
    own = template(
        "{% block user %}{{ prompt }}{% if reference %} {{ reference }}{% endif %}"
        "{% block part %} {{ completions[0].text }}{% endblock %}{% endblock %}"
    )

    first = own.render(item("First?", reference="key"), (0, 1))
    second = own.render(item("Second?", ("three", "four")), (1, 0))

    assert [first[0]["content"], second[0]["content"]] == ["First? key one", "Second? four"]


def test_a_key_of_the_data_that_a_dict_has_too_means_the_dicts():
    """`item.keys` is the method whatever the columns are called, and `item['keys']` the column."""
    of = item(metadata={"keys": "mine", "other": "yours"})

    assert user("{{ item.keys() | list | length }} {{ item['keys'] }} {{ item.other }}", of) == "2 mine yours"


def test_metadata_of_an_item_is_shown():
    """`item` has the row's other columns."""
    assert user("{{ item.source }}", item(metadata={"source": "exam"})) == "exam"


@pytest.mark.parametrize("body", ["{{ reference }}", "{{ item.source }}", "{% if rubric %}x{% endif %}"])
def test_templates_that_need_data_of_the_item_say_so(body):
    """Where some items may lack something, every item is to be rendered before the first call."""
    assert template("{% block user %}" + body + "{% endblock %}").needs_item_data


def test_an_included_part_may_need_data_of_the_item(tmp_path):
    """What an included file uses counts too."""
    (tmp_path / "part.jinja").write_text("{{ reference }}")

    assert template("{% block user %}{% include 'part.jinja' %}{% endblock %}", folder=tmp_path).needs_item_data


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ prompt['__class__'] }}",
        "{{ (prompt | attr('__class__')) }}",
        "{{ completions.append(1) }}",
        "{{ item.update({'a': 1}) }}",
        "{{ '{0.__class__}'.format(prompt) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ range(10**9) | list }}",
    ],
)
def test_the_sandbox_refuses(attack):
    """What reaches for Python, or changes the data, ends in a ConfigError that names the template."""
    assert "own.jinja" in refusal(user, attack)


@pytest.mark.parametrize("broken", ["{{ 1 / 0 }}", "{{ '{0}{1}'.format(1) }}", "{{ prompt + 1 }}", "{{ {}['a'] }}"])
def test_an_expression_that_breaks_is_a_config_error(broken):
    """Errors of expressions name the template and the item."""
    message = refusal(user, broken)

    assert "own.jinja" in message
    assert "'7'" in message


def test_endless_recursion_is_a_config_error():
    """A macro that calls itself for ever ends in one line."""
    assert "own.jinja" in refusal(user, "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")


def test_the_hash_is_the_same_for_the_same_text(tmp_path):
    """Equal files have equal hashes, wherever they are."""
    body = "{% block user %}{% include '_answers.jinja' %}{% endblock %}"

    assert template(body).hash == template(body, folder=tmp_path).hash


def test_the_hash_changes_with_the_file():
    """Another wording is another template."""
    assert template("{% block user %}a{% endblock %}").hash != template("{% block user %}b{% endblock %}").hash


@pytest.mark.parametrize(
    "body",
    [
        "{% block user %}{% include 'part.jinja' %}{% endblock %}",
        "{% extends 'part.jinja' %}",
        "{% import 'part.jinja' as part %}{% block user %}x{% endblock %}",
        "{% block user %}{% include 'middle.jinja' %}{% endblock %}",
        "{% block user %}{% from 'middle.jinja' import nothing %}x{% endblock %}",
    ],
)
def test_the_hash_changes_with_every_file_it_takes_in(tmp_path, body):
    """A change in a file that is extended, included or imported, at any depth, is a change of the template."""
    (tmp_path / "middle.jinja").write_text("{% include 'part.jinja' %}")
    hashes = set()
    for text in ("1", "2"):
        whole = f"{{% block user %}}{text}{{% endblock %}}" if "extends" in body else text
        (tmp_path / "part.jinja").write_text(whole)
        hashes.add(template(body, folder=tmp_path).hash)

    assert len(hashes) == 2


class _Meeting:
    """A value that holds up its thread where it is printed, until all threads print theirs."""

    def __init__(self, barrier):
        self.barrier = barrier

    def __str__(self):
        self.barrier.wait(timeout=30)
        return ""


@pytest.mark.parametrize("preamble", ["", "{% set note = prompt %}"])
def test_threads_that_render_one_template_share_nothing(preamble):
    """Each message holds its own item's text, also where all threads are in the middle of a rendering at once."""
    own = template(
        preamble + "{% block system %}{{ prompt }}{{ item.meeting }}{% endblock %}"
        "{% block user %}{{ prompt }} {{ completions[0].text }} {{ completions[1].text }}{% endblock %}"
    )
    meeting = _Meeting(threading.Barrier(4))
    items = [item(f"prompt {n}", (f"first {n}", f"second {n}"), metadata={"meeting": meeting}) for n in range(40)]

    with ThreadPoolExecutor(4) as pool:
        rendered = list(pool.map(lambda each: own.render(each, (0, 1)), items))

    assert [[message["content"] for message in messages] for messages in rendered] == [
        [f"prompt {n}", f"prompt {n} first {n} second {n}"] for n in range(40)
    ]


def test_nothing_changes_a_parsed_template(tmp_path):
    """Its fields cannot be set, and a file that it takes in is the one that was read, whatever becomes of it."""
    (tmp_path / "part.jinja").write_text("{% macro note() %}before{% endmacro %}")
    own = template("{% block user %}{% from 'part.jinja' import note %}{{ note() }}{% endblock %}", folder=tmp_path)
    (tmp_path / "part.jinja").write_text("{% macro note() %}after{% endmacro %}")

    with pytest.raises(FrozenInstanceError):
        own.used = frozenset()
    with pytest.raises(TypeError):
        own.files["part.jinja"] = "x"
    assert own.render(item(), (0, 1))[0]["content"] == "before"


def test_a_template_can_be_pickled(tmp_path):
    """It comes back from the texts of its files, which need not be there any more."""
    (tmp_path / "part.jinja").write_text("<{{ prompt }}>")
    own = template("{% block user %}{% include 'part.jinja' %}{% endblock %}", folder=tmp_path)
    pickled = pickle.dumps(own)
    (tmp_path / "part.jinja").unlink()

    back = pickle.loads(pickled)

    assert (back.hash, back.where, back.render(item(), (0, 1))) == (own.hash, own.where, own.render(item(), (0, 1)))


def test_a_file_taken_in_that_has_changed_is_seen(tmp_path):
    """A template that is loaded again in one process is made of its files as they are then."""
    (tmp_path / "own.jinja").write_text(
        f"{FRONT}{{% block user %}}{{% include 'part.jinja' %}}{ANSWERS}{{% endblock %}}"
    )
    (tmp_path / "part.jinja").write_text("before ")
    load_template(tmp_path / "own.jinja")

    (tmp_path / "part.jinja").write_text("after ")

    assert load_template(tmp_path / "own.jinja").render(item(), (0, 1))[-1]["content"].startswith("after ")
