"""Arrays as nodes of an OpenVINO graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def constant(values: NDArray[Any]) -> Any:
    """A float32 constant that shares the array's memory.

    Operators would take the array itself too, but turn it into a Python list on the way: a second for a small ViT.
    """
    from openvino import opset13 as op

    return op.constant(np.ascontiguousarray(values, np.float32), shared_memory=True)
