"""One clip: decoded to mono or a named reason why not, the window that is listened to, what is done to its sound.

`clip` decodes (`mpeg` for streams that do not say how long they are), `preprocessing` takes the window, `augmentation` changes the sound.
"""

from ser_bench.audio.clip import Clip, Unusable, content_key, decode, key_of, read_bytes, read_clip, resample

__all__ = ["Clip", "Unusable", "content_key", "decode", "key_of", "read_bytes", "read_clip", "resample"]
