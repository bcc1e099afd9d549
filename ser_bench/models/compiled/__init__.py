"""What models are made of that is compiled: a folder of its own, so that looking for models compiles nothing."""
