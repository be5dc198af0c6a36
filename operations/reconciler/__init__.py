"""Keeps topics, tables and connectors as the files of this repository say."""
