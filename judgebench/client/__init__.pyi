from judgebench.client.batches.base import (
    Batches as Batches,
    BatchLine as BatchLine,
    BatchPart as BatchPart,
    BatchState as BatchState,
    LostBatchError as LostBatchError,
    put_aside as put_aside,
)
from judgebench.client.batches.client import BatchClient as BatchClient
from judgebench.client.budget import Bill as Bill, Budget as Budget, longest_answer as longest_answer
from judgebench.client.cache.authorrows import (
    OTHER_ROWS as OTHER_ROWS,
    keep_author_rows as keep_author_rows,
    other_rows_note as other_rows_note,
)
from judgebench.client.cache.bundles import Bundle as Bundle, write_bundle as write_bundle
from judgebench.client.cache.header import (
    BundledRows as BundledRows,
    BundledRun as BundledRun,
    BundledTemplate as BundledTemplate,
    Header as Header,
    without_connection as without_connection,
)
from judgebench.client.cache.keys import KeyMaker as KeyMaker
from judgebench.client.cache.maintenance import (
    CacheInfo as CacheInfo,
    Choice as Choice,
    PruneResult as PruneResult,
    ReplyStore as ReplyStore,
)
from judgebench.client.cache.store import ReplyCache as ReplyCache
from judgebench.client.calls import JudgeClient as JudgeClient
from judgebench.client.inflight import CallsInFlight as CallsInFlight
from judgebench.client.limits import PerMinute as PerMinute, eased as eased, make_room as make_room
from judgebench.client.providers import check_provider as check_provider
from judgebench.client.providers.base import Provider as Provider, Request as Request
from judgebench.client.servers import LocalServer as LocalServer, server_of as server_of
from judgebench.client.tokens import TokenCount as TokenCount, counted as counted, prompt_tokens as prompt_tokens
