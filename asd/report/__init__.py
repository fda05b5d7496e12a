"""Views of a data set for people: an HTML page, a notebook cell, a terminal. Reads rows, changes nothing."""
