from judgebench.judges.addresses import (
    address_line as address_line,
    address_of as address_of,
    address_variables as address_variables,
    check_address as check_address,
    missing_address as missing_address,
    unknown_variables as unknown_variables,
)
from judgebench.judges.callables import (
    arguments_of as arguments_of,
    callable_judge as callable_judge,
    is_async as is_async,
)
from judgebench.judges.catalog import (
    FREE as FREE,
    MOST_TOKENS as MOST_TOKENS,
    cost as cost,
    is_free as is_free,
    listed_output_limit as listed_output_limit,
    used_tokens as used_tokens,
)
from judgebench.judges.credentials import (
    call_settings as call_settings,
    check_key as check_key,
    key_of as key_of,
    key_variables as key_variables,
    missing_key as missing_key,
    secret_values as secret_values,
    values_sent as values_sent,
)
from judgebench.judges.destinations import (
    destination_lines as destination_lines,
    variables_line as variables_line,
)
from judgebench.judges.judge import (
    OFFLINE as OFFLINE,
    Judge as Judge,
    context_of as context_of,
    end_of as end_of,
    in_batches as in_batches,
    price_of as price_of,
    takes_schema as takes_schema,
)
from judgebench.judges.presets import (
    PLUGINS as PLUGINS,
    AnyJudge as AnyJudge,
    Judges as Judges,
    family_of as family_of,
    is_moved as is_moved,
    is_plugged as is_plugged,
    load_judges as load_judges,
    own_files as own_files,
)
from judgebench.judges.saving import save_settings as save_settings
from judgebench.judges.transport import check_transport as check_transport, is_direct as is_direct
