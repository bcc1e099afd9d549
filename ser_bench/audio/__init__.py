"""One clip: decoded to mono or a named reason why not, the window that is listened to, what is done to its sound."""

from ser_bench.audio.clip import Clip, Unusable, content_key, decode, key_of, read_bytes, read_clip, resample

__all__ = ["Clip", "Unusable", "content_key", "decode", "key_of", "read_bytes", "read_clip", "resample"]
