"""Sends records of the optional datasets to Kafka: made up, the same for the same seed. Each dataset is a module of `sources`."""
