"""A dataset of the user's own: from a sample to topic, table, connector and dashboard; `make new-dataset` begins here."""
