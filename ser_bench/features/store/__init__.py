"""The store that remembers what was computed: keys of content, a folder per fingerprint, rows in whole parts."""
