from judgebench.protocols.alterations import (
    PADDED as PADDED,
    Alteration as Alteration,
    altered as altered,
    check_attack as check_attack,
    copy_of_first as copy_of_first,
    find_alterations as find_alterations,
    target as target,
)
from judgebench.protocols.holdout import held_out as held_out
from judgebench.protocols.notes import PROTOCOL_NOTES as PROTOCOL_NOTES, protocol_notes as protocol_notes
from judgebench.protocols.orders import (
    Call as Call,
    Protocol as Protocol,
    calls_needed as calls_needed,
    calls_open as calls_open,
    in_order as in_order,
    number_of_calls as number_of_calls,
    orders_of as orders_of,
    with_unasked as with_unasked,
)
from judgebench.protocols.pairs import questions as questions
from judgebench.protocols.sequential import (
    ItemOrder as ItemOrder,
    UntilShown as UntilShown,
    blocks as blocks,
    drawn as drawn,
)
