from judgebench.templates.followup import can_be_mended as can_be_mended, follow_up as follow_up
from judgebench.templates.frontmatter import (
    NO_FRONT_MATTER as NO_FRONT_MATTER,
    blanked as blanked,
    head_of as head_of,
)
from judgebench.templates.hints import hint_for as hint_for, rule_of as rule_of
from judgebench.templates.lint.linting import lint_all as lint_all, unasked as unasked
from judgebench.templates.roles import without_system as without_system
from judgebench.templates.starter import lines_to_add as lines_to_add, new_template as new_template
from judgebench.templates.template import (
    INCLUDED as INCLUDED,
    TEMPLATE as TEMPLATE,
    TIES_TEMPLATE as TIES_TEMPLATE,
    VARIABLES as VARIABLES,
    Template as Template,
    load_template as load_template,
    parse_template as parse_template,
    shipped_templates as shipped_templates,
)
