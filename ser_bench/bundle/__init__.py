"""A system that was fitted to be used: the file that it is kept in, and what is made with it.

`archive` is the file's format, and how it is opened safely; `bundle` what is in it, and how it decides about clips; `extractors` whether
what computes its columns is what it was.

`making` makes one: `fitting` searches and trains, `quality` reads what its row of a run is worth, `run_rows` which row that is and what
was chosen for it, `about` what the bundle says of itself, and `card` says so for people.

`inputs` finds what is to be predicted, `windows` follows long recordings, `extraction` extracts features, `prediction` decides,
`explaining` says what moved a decision, `rows`, `listing`, `pictures` and `page` show what was predicted. `shown` has what pages say of a
bundle, with the card made HTML by `markdown`.

`novelty` says what the training clips were like and warns of clips unlike them: `distance` how far they are, `levels` how loud and whether
they are clipped. `microphone` records a clip.

`export` writes it as ONNX and Core ML; `demo` is a local page on which it is tried.
"""
