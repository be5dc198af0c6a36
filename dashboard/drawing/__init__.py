"""Turns a panel's JSON and the rows of its queries into a drawing that a browser or a notebook can show."""
