"""All parts answer in a running stack."""

assert parts["answers"].all(), parts
