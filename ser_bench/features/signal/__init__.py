"""What extractors share: frames and spectra, functionals, compiled loops."""
