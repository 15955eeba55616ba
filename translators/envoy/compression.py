"""Compression of answers, for clients that accept gzip.

Envoy leaves answers alone that are compressed already, that are short, or whose type does not
become smaller. A strong ETag becomes a weak one, because it names other bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    Compressor,
    CompressorCommonConfig,
    CompressorResponseConfig,
    Gzip,
    TypedExtensionConfig,
)
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.compressor import v3 as compressor

SHORTEST: Final = 1024
"""The length from which an answer is compressed, if the answer says how long it is."""

_PARTIAL: Final = 206
"""The status of a part of an answer, whose bytes must fit those of the other parts."""


def compress() -> compressor.Compressor:
    """Configure the filter that compresses answers."""
    return Compressor(
        compressor_library=TypedExtensionConfig(name="gzip", typed_config=pack(Gzip())),
        response_direction_config=CompressorResponseConfig(
            common_config=CompressorCommonConfig(min_content_length=SHORTEST),
            weaken_etag_on_compress=True,
            uncompressible_response_codes=[_PARTIAL],
        ),
    )
