"""A page of this computer alone on which a fitted model can be tried: `ser-bench demo`.

`server` answers the page and what it sends, and refuses everything else; `answers` turns the bytes of a recording into what the page
shows; `page` puts the page together from a bundle (`templates/`).
"""
