"""The bundles of the desk as a source of Ray Data's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def bundle_source(desk: Any) -> Any:
    """A `ray.data.Datasource` of one task, which reads bundles as the driver gives them to the desk.

    Made again, the task gives the same blocks.

    Args:
        desk: The actor of the `Desk`.
    """
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    def bundles() -> Iterator[Any]:
        import pyarrow as pa
        import ray

        number = 0
        while (bundle := ray.get(desk.take.remote(number))) is not None:
            yield pa.table({"number": [number], "bundle": pa.array([bundle], pa.large_binary())})
            number += 1

    class Bundles(Datasource):  # type: ignore[misc]
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *_: object, **__: object) -> list[Any]:
            return [ReadTask(bundles, BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None))]

    return Bundles()
