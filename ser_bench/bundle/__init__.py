"""A system that was fitted to be used: the file that it is kept in, and what is made with it.

`archive` is the file's format, and how it is opened safely; `bundle` what is in it, and how it decides about clips; `extractors` whether
what computes its columns is what it was.
`novelty` says what the training clips were like and warns of clips unlike them: `distance` how far they are, `levels` how loud and whether
they are clipped. `microphone` records a clip.
"""
