"""Networks from ONNX files, read by OpenVINO itself; pictures go in as uint8, normalised inside the graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samekind.encoders.engine import core, openvino
from samekind.encoders.vit import IMAGENET_MEAN, IMAGENET_STD
from samekind.errors import EncoderError

DEFAULT_SIDE = 224


def read_onnx(path: Path) -> tuple[Any, int, int]:
    """(model, side, dim): pictures (n, side, side, 3) uint8 -> the first output, which flattens to (n, dim).

    The file's one input is (n, 3, h, w) float or (n, h, w, 3) uint8. Floats are normalised with ImageNet's mean and
    deviation; uint8 is taken as it is. A side that the file leaves open becomes 224. Raises EncoderError for a file
    that is missing, unreadable, or of another form.
    """
    ov = openvino()
    if not path.is_file():
        raise EncoderError(f"There is no ONNX file at {path}; give the path of one.")
    try:
        model = core().read_model(str(path))
    except RuntimeError as problem:
        reason = str(problem).strip().splitlines()[-1]
        raise EncoderError(f"{path} cannot be read as an ONNX network ({reason}).") from None
    channels_last, side = _form(model, path)
    shape = [-1, side, side, 3] if channels_last else [-1, 3, side, side]
    try:
        model.reshape({model.inputs[0].any_name: ov.PartialShape(shape)})
    except RuntimeError:
        raise EncoderError(
            f"{path} does not take batches of {side} x {side} pictures; export it with an open batch axis."
        ) from None
    if not channels_last:
        model = with_normalisation(model)
    return model, side, _dim(model, path)


def with_normalisation(
    model: Any, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD, scale: float = 255.0
) -> Any:
    """The model with (n, 3, h, w) float input turned into one for (n, h, w, 3) uint8: (x / scale - mean) / std."""
    ov = openvino()
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    floats = steps.input().preprocess().convert_element_type(ov.Type.f32)
    floats.mean([scale * value for value in mean]).scale([scale * value for value in std])
    return steps.build()


def _form(model: Any, path: Path) -> tuple[bool, int]:
    """(channels last, side) of the one input."""
    ov = openvino()
    inputs = model.inputs
    shape = inputs[0].partial_shape if len(inputs) == 1 else None
    if shape is not None and shape.rank.is_static and len(shape) == 4:
        kind, axes = inputs[0].element_type, [None if axis.is_dynamic else axis.get_length() for axis in shape]
        if kind == ov.Type.u8 and axes[3] == 3 and axes[1] == axes[2]:
            return True, axes[1] or DEFAULT_SIDE
        if kind in (ov.Type.f32, ov.Type.f16) and axes[1] == 3 and axes[2] == axes[3]:
            return False, axes[2] or DEFAULT_SIDE
    raise EncoderError(
        f"{path} must have one input, pictures of equal sides as (n, 3, h, w) float or (n, h, w, 3) uint8; "
        f"it has {', '.join(f'{one.partial_shape} {one.element_type}' for one in inputs) or 'none'}."
    )


def _dim(model: Any, path: Path) -> int:
    shape = model.outputs[0].partial_shape
    dim = 1
    for axis in list(shape)[1:] if shape.rank.is_static else [None]:
        if axis is None or axis.is_dynamic:
            raise EncoderError(f"The first output of {path} has no fixed length ({shape}); export it pooled.")
        dim *= axis.get_length()
    return dim
