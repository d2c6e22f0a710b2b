"""Remote write 1.0: points to the body of a request, a Protobuf message in a Snappy block.

The message is ``prometheus.WriteRequest`` as far as samples need it (prompb/remote.proto and prompb/types.proto):
``timeseries = 1``, in it ``labels = 1`` and ``samples = 2``, in these ``name = 1``, ``value = 2`` and ``value = 1``, ``timestamp = 2``.

Invariants: points of one series stand together in one ``TimeSeries``, oldest first, each time once; labels are sorted by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.backfill.points import Labels, Point

#: What a request must say besides its length (remote write 1.0, section Protocol).
HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "User-Agent": "tslcd-collector",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_PACKAGE: Final = "prometheus"
_Field = descriptor_pb2.FieldDescriptorProto


def _message_type() -> Any:
    """Make the type from its description; what a generated file would do, without the file."""
    file = descriptor_pb2.FileDescriptorProto(name="tslcd/remote_write.proto", package=_PACKAGE, syntax="proto3")
    shapes: dict[str, tuple[tuple[str, int, int, str], ...]] = {
        "Label": (("name", 1, _Field.TYPE_STRING, ""), ("value", 2, _Field.TYPE_STRING, "")),
        "Sample": (("value", 1, _Field.TYPE_DOUBLE, ""), ("timestamp", 2, _Field.TYPE_INT64, "")),
        "TimeSeries": (("labels", 1, _Field.TYPE_MESSAGE, "Label"), ("samples", 2, _Field.TYPE_MESSAGE, "Sample")),
        "WriteRequest": (("timeseries", 1, _Field.TYPE_MESSAGE, "TimeSeries"),),
    }
    for message, fields in shapes.items():
        described = file.message_type.add(name=message)
        for name, number, kind, of in fields:
            described.field.add(
                name=name,
                number=number,
                type=kind,
                label=_Field.LABEL_REPEATED if of else _Field.LABEL_OPTIONAL,
                type_name=f".{_PACKAGE}.{of}" if of else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.WriteRequest"))


WriteRequest: Final[Any] = _message_type()


def encode(points: Iterable[Point]) -> bytes:
    """Return the body of a request with these points."""
    series: dict[Labels, dict[int, float]] = {}
    for point in points:
        series.setdefault(point.labels, {})[point.at] = point.value
    request = WriteRequest()
    for labels, samples in series.items():
        one = request.timeseries.add()
        for name, value in labels:
            one.labels.add(name=name, value=value)
        for at in sorted(samples):
            one.samples.add(value=samples[at], timestamp=at)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def decode(body: bytes) -> list[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Return labels and (milliseconds, value) of every series of a request's body; what a store would read."""
    request = WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(body)))
    return [
        (
            {label.name: label.value for label in one.labels},
            [(sample.timestamp, sample.value) for sample in one.samples],
        )
        for one in request.timeseries
    ]
