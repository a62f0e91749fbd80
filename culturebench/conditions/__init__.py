"""The conditions under which pictures are made: one record each, from which everything else about them is derived."""

from culturebench.conditions.catalogue import (
    BY_NAME as BY_NAME,
    CONDITIONS as CONDITIONS,
    EDITS as EDITS,
    condition as condition,
    in_order as in_order,
    made_by as made_by,
)
from culturebench.conditions.record import (
    CAPTIONS as CAPTIONS,
    Condition as Condition,
    ConditionError as ConditionError,
    Control as Control,
    Edit as Edit,
)
