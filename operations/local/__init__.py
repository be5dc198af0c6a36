"""The stack without Docker: the same components as local processes under supervisor."""
