from judgebench.verdicts.checklist import checklist_like as checklist_like
from judgebench.verdicts.decisions import typed_questions as typed_questions
from judgebench.verdicts.kinds import KINDS as KINDS, VerdictKind as VerdictKind
from judgebench.verdicts.marks import VerdictMatch as VerdictMatch, find_tag as find_tag
from judgebench.verdicts.parts import criteria_like as criteria_like, scores_like as scores_like
from judgebench.verdicts.patterns import runs_away as runs_away
from judgebench.verdicts.phrasing import (
    fill_example as fill_example,
    fill_mark as fill_mark,
    fill_tag as fill_tag,
    fill_tags as fill_tags,
    phrase_choice as phrase_choice,
    phrase_criteria as phrase_criteria,
    phrase_label as phrase_label,
    phrase_rating as phrase_rating,
    tag_text as tag_text,
)
from judgebench.verdicts.reading import (
    PlacedVerdict as PlacedVerdict,
    answer_of as answer_of,
    read as read,
    read_placed as read_placed,
    read_text as read_text,
)
from judgebench.verdicts.reply import Reply as Reply
from judgebench.verdicts.rule import (
    CriterionRule as CriterionRule,
    Span as Span,
    VerdictRule as VerdictRule,
    structured_schema as structured_schema,
)
from judgebench.verdicts.soft import TOP as TOP, PlacedToken as PlacedToken, place_tokens as place_tokens
