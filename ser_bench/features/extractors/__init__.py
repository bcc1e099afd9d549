"""The extractors, one file per family. Adding one is adding one file with a subclass of `Extractor`."""
